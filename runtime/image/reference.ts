// Names of images: [host[:port]/]name[:tag][@digest] (distribution-spec, and docker's defaults for what is left out).
import { KrunError } from '../errors/krun-error.ts';
import { type Digest, isDigest } from './descriptor.ts';

export interface Reference {
  /** host[:port] as it is written; the default one's name is docker.io. */
  readonly registry: string;
  /** Below the registry: library/alpine. */
  readonly repository: string;
  /** null only where there is a digest. */
  readonly tag: string | null;
  readonly digest: Digest | null;
}

/** Completes what people leave out; throws E_REFERENCE. */
export function parseReference(text: string): Reference {
  const [, name = '', digest] = /^([^@]*)(?:@(.*))?$/s.exec(text) ?? [];
  if (digest !== undefined && !isDigest(digest)) throw refused(text, `"${digest}" is no digest such as sha256:…, of 64 digits`);
  const { registry, rest } = splitRegistry(name);
  const [, path = '', tag] = /^([^:]*)(?::(.*))?$/s.exec(rest) ?? [];
  if (tag !== undefined && !tagPattern.test(tag)) throw refused(text, `"${tag}" is no tag: at most 128 letters, digits, _ . and -`);
  if (!registryPattern.test(registry)) throw refused(text, `"${registry}" is no host`);
  const repository = registry === defaultRegistry && !path.includes('/') ? `library/${path}` : path;
  if (!repositoryPattern.test(repository) || `${registry}/${repository}`.length > 255) throw refused(text, wrongName(path));
  return { registry, repository, tag: tag ?? (digest === undefined ? 'latest' : null), digest: digest ?? null };
}

/** The whole name, with nothing left out: what the store knows an image by. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`;
}

/** Where names without a host belong, by a convention that is older than the specification. */
export const defaultRegistry = 'docker.io';

const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const registryPattern =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$/;
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`);

// The first component is a host if it could be no name.
function splitRegistry(name: string): { registry: string; rest: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isHost = slash > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  return isHost
    ? { registry: first === 'index.docker.io' ? defaultRegistry : first, rest: name.slice(slash + 1) }
    : { registry: defaultRegistry, rest: name };
}

function wrongName(path: string): string {
  if (path === '') return 'the name is missing';
  return path === path.toLowerCase() ? `"${path}" is no name of a repository` : `"${path}" must be in lower case`;
}

function refused(text: string, why: string): KrunError {
  return new KrunError('E_REFERENCE', `${JSON.stringify(text.slice(0, 300))} is no name of an image: ${why}`, {
    hint: 'names look like registry.example:5000/team/app:1.2, or app@sha256:…',
  });
}
