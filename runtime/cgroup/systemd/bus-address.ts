// Where a D-Bus listens: the unix sockets of addresses such as unix:path=/run/user/1000/bus,guid=… (D-Bus specification, "Server Addresses").

/** The socket paths of a list of addresses that are such; `runtimeDirectory` is for unix:runtime=yes. */
export function busSockets(addresses: string, runtimeDirectory: string | undefined): string[] {
  return addresses.split(';').flatMap((address) => {
    const [, words] = /^unix:(.*)$/.exec(address.trim()) ?? [];
    if (words === undefined) return [];
    const keys = new Map(words.split(',').map((word) => splitOnce(word)));
    const path = keys.get('path');
    if (path !== undefined) return [decodePercents(path)];
    return keys.get('runtime') === 'yes' && runtimeDirectory !== undefined ? [`${runtimeDirectory}/bus`] : [];
  });
}

function splitOnce(word: string): [string, string] {
  const at = word.indexOf('=');
  return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
}

function decodePercents(value: string): string {
  return value.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
