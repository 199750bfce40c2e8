// Which entry of an index is meant (image-index.md: the first that matches; variants as GOARCH has them).
import { KrunError } from '../errors/krun-error.ts';
import type { Descriptor, Platform } from './descriptor.ts';

/** This host's. */
export function hostPlatform(architecture: string = process.arch): Platform {
  return { os: 'linux', architecture: goNames[architecture] ?? architecture };
}

/** os/architecture[/variant], or E_USAGE. */
export function parsePlatform(text: string): Platform {
  const [, os = '', architecture = '', variant] = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9.]+))?$/.exec(text) ?? [];
  if (os === '') throw new KrunError('E_USAGE', `invalid value "${text}" for --platform: must be like linux/arm64 or linux/arm/v7`);
  return normal({ os, architecture: goNames[architecture] ?? architecture, ...(variant === undefined ? {} : { variant }) });
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return `${os}/${architecture}${variant === undefined ? '' : `/${variant}`}`;
}

/** E_NO_IMAGE, with what there is, when none fits. */
export function choosePlatform(manifests: readonly Descriptor[], wanted: Platform): Descriptor {
  const images = manifests.filter((entry) => !isAttestation(entry));
  for (const variant of acceptableVariants(normal(wanted))) {
    const found = images.find(({ platform }) => platform !== undefined && matches(normal(platform), { ...normal(wanted), variant }));
    if (found !== undefined) return found;
  }
  const [only] = images;
  if (images.length === 1 && only !== undefined && only.platform === undefined) return only;
  const offered = images.flatMap(({ platform }) => (platform === undefined ? [] : [formatPlatform(platform)]));
  throw new KrunError('E_NO_IMAGE', `the image is not there for ${formatPlatform(wanted)}`, {
    hint: offered.length === 0 ? 'it is there for no platform at all' : `it is there for ${offered.slice(0, 20).join(', ')}`,
  });
}

const goNames: Readonly<Record<string, string>> = { x64: 'amd64', x86_64: 'amd64', aarch64: 'arm64', ia32: '386' };

// amd64 is amd64/v1, arm64 is arm64/v8.
function normal({ os, architecture, variant }: Platform): Platform {
  const implied = { amd64: 'v1', arm64: 'v8' }[architecture];
  return { os, architecture, ...(variant === undefined || variant === '' || variant === implied ? {} : { variant }) };
}

// A processor runs what was made for a lesser one.
function acceptableVariants({ architecture, variant }: Platform): readonly (string | undefined)[] {
  if (architecture === 'arm') {
    const levels = ['v8', 'v7', 'v6', 'v5'];
    const from = levels.indexOf(variant ?? 'v7');
    return from < 0 ? [variant, undefined] : [...levels.slice(from), undefined];
  }
  const level = architecture === 'amd64' ? Number(/^v([2-4])$/.exec(variant ?? '')?.[1] ?? 1) : 1;
  const lesser = Array.from({ length: level - 1 }, (_, index) => (level - index - 1 > 1 ? `v${level - index - 1}` : undefined));
  return [variant, ...lesser.filter((each) => each !== variant), undefined];
}

function matches(offered: Platform, wanted: { os: string; architecture: string; variant: string | undefined }): boolean {
  return offered.os === wanted.os && offered.architecture === wanted.architecture && offered.variant === wanted.variant;
}

// buildkit's provenance goes along as an image for unknown/unknown.
function isAttestation({ annotations, platform }: Descriptor): boolean {
  return annotations?.['vnd.docker.reference.type'] !== undefined || (platform?.os === 'unknown' && platform.architecture === 'unknown');
}
