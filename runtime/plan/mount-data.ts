/**
 * One option of config.json as the separate options that fsconfig(2) takes: mount(8)'s commas split it,
 * but not in double quotes (SELinux contexts) and not after a backslash (paths of overlay).
 */
export function splitData(option: string): readonly string[] {
  return (option.match(/(?:\\[\s\S]|"[^"]*"|[^,])+/g) ?? []).map(withoutQuotes);
}

// Quotes are mount(8)'s protection of commas; through fsconfig(2) the kernel would take them for a part of the context.
function withoutQuotes(option: string): string {
  return option.replace(/^((?:fs|def|root)?context=)"(.*)"$/s, '$1$2');
}
