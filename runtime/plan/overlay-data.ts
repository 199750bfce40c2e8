import { fromBundle } from './clean-path.ts';

/** An option of a mount of type overlay with its directories made absolute: relative ones are relative to the bundle. */
export function overlayData(option: string, bundle: string): string {
  const [, key, value = ''] = /^([^=]*)=([\s\S]*)$/.exec(option) ?? [];
  switch (key) {
    case 'lowerdir':
      return `lowerdir=${splitLayers(value).map(absolute).join(':')}`;
    case 'lowerdir+':
    case 'datadir+':
    case 'upperdir':
    case 'workdir':
      return `${key}=${absolute(value)}`;
    default:
      return option;
  }

  // The bundle's own path gets the escapes that overlay takes away again; "" stands before a data-only layer ("a::b").
  function absolute(path: string): string {
    if (path === '' || path.startsWith('/')) return path;
    return key?.endsWith('+') ? fromBundle(bundle, path) : fromBundle(bundle.replaceAll(/[\\:]/g, '\\$&'), path);
  }
}

// At colons, but not at escaped ones.
function splitLayers(value: string): readonly string[] {
  const layers = [''];
  for (const part of value.match(/\\[\s\S]|:|[^:\\]+|\\/g) ?? []) {
    if (part === ':') layers.push('');
    else layers.push(`${layers.pop()}${part}`);
  }
  return layers;
}
