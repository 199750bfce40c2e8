// What an archive may call its entries.
import { KrunError } from '../../errors/krun-error.ts';

const longestPath = 4095; // PATH_MAX less its NUL

/**
 * The components of a path below the layer's root, none of which leads up; none at all for the root itself. A leading / is the root: a
 * layer's paths have no other meaning (image-spec, layer.md). E_LAYER_UNSAFE for "..", E_LAYER for a name that no file can have.
 */
export function layerPath(path: string): readonly string[] {
  const components = path.split('/').filter((component) => component !== '' && component !== '.');
  if (components.includes('..'))
    throw new KrunError('E_LAYER_UNSAFE', `the archive names a path that leads upwards: ${readable(path)}`, { path: readable(path), hint });
  if (path.includes('\0'))
    throw new KrunError('E_LAYER', `the archive names a path with a NUL in it: ${readable(path)}`, { path: readable(path), hint });
  if (path.length > longestPath || components.some((component) => component.length > 255))
    throw new KrunError('E_LAYER', `the archive names a path that is too long: ${readable(path).slice(0, 100)}…`, { hint });
  return components;
}

/** Bytes as text in quotes, so that a message shows what is in a name, and on one line. */
export function readable(path: string): string {
  return JSON.stringify(Buffer.from(path, 'latin1').toString('utf8'));
}

const hint = 'do not use this image unless you know why its layer is like that; whoever made it must make it anew';
