/** A path in the container, cleaned without looking at it: absolute, without ., .. and empty names; .. at the root stays there. */
export function cleanPath(path: string): string {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `/${names.join('/')}`;
}

/** A host path of config.json: a relative one is relative to the bundle (config.md#mounts). */
export function fromBundle(bundle: string, path: string): string {
  return path.startsWith('/') ? path : cleanPath(`${bundle}/${path}`);
}

/** Whether a clean path is another one or lies below it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || directory === '/' || path.startsWith(`${directory}/`);
}
