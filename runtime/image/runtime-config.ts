// The configuration of an image → config.json, by image-spec conversion.md; and what the flags of `run --image` change in it.
import type { Config, Mount, Process } from '../config/config.ts';
import { defaultConfig } from '../config/default.ts';
import { KrunError } from '../errors/krun-error.ts';
import type { ImageConfig } from './image-config.ts';
import type { ImageUser } from './image-user.ts';

export interface ContainerWishes {
  /** After `--`; null: the image's Cmd. */
  readonly program: readonly string[] | null;
  readonly entrypoint: string | null;
  /** NAME=value. */
  readonly env: readonly string[];
  readonly workdir: string | null;
  readonly hostname: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly readonly: boolean;
  readonly terminal: boolean;
  readonly mounts: readonly Mount[];
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly network: 'none' | 'host';
  /** Bytes. */
  readonly memory: bigint | null;
  readonly cpus: number | null;
  readonly pids: bigint | null;
  /** Whose ids become root's, for a caller without privileges. */
  readonly rootless: { readonly uid: number; readonly gid: number } | null;
  /** Removed when the container is: a directory of ours. */
  readonly removes: string | null;
}

/** `rootPath`: the topmost layer. E_IMAGE when there is nothing to run. */
export function runtimeConfig(image: ImageConfig, user: ImageUser, rootPath: string, wishes: ContainerWishes): Config {
  const base = defaultConfig(wishes.rootless === null ? {} : { rootless: wishes.rootless });
  return {
    ...base,
    process: processOf(image, user, wishes),
    root: { path: rootPath, readonly: wishes.readonly },
    hostname: wishes.hostname ?? 'krun',
    mounts: [...(base.mounts ?? []), ...wishes.mounts],
    annotations: annotationsOf(image, wishes.labels),
    ...(wishes.removes === null ? {} : { hooks: { poststop: [{ path: '/bin/rm', args: ['rm', '-rf', '--', wishes.removes] }] } }),
    linux: {
      ...base.linux,
      ...limitsOf(base, wishes),
      namespaces: (base.linux?.namespaces ?? []).filter(({ type }) => type !== 'network' || wishes.network === 'none'),
    },
  };
}

/** What root of a container may do by default, as other engines have it. */
export const imageCapabilities = [
  'CAP_AUDIT_WRITE',
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_MKNOD',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
] as const;

function processOf(image: ImageConfig, user: ImageUser, wishes: ContainerWishes): Process {
  const capabilities = capabilitiesOf(wishes);
  return {
    terminal: wishes.terminal,
    user: {
      uid: user.uid,
      gid: user.gid,
      ...(user.additionalGids.length > 0 && wishes.rootless === null ? { additionalGids: user.additionalGids } : {}),
    },
    args: argumentsOf(image, wishes),
    env: environmentOf(image, wishes),
    cwd: workingDirectory(image, wishes.workdir),
    // Of a user other than root execve would take them; krun gives exactly what config.json says.
    capabilities:
      user.uid === 0 ? { bounding: capabilities, effective: capabilities, permitted: capabilities } : { bounding: capabilities },
    noNewPrivileges: false,
  };
}

function argumentsOf({ entrypoint, cmd }: ImageConfig, wishes: ContainerWishes): readonly string[] {
  const first = wishes.entrypoint === null ? (entrypoint ?? []) : wishes.entrypoint === '' ? [] : [wishes.entrypoint];
  const args = [...first, ...(wishes.program ?? (wishes.entrypoint === null ? (cmd ?? []) : []))];
  if (args.length > 0) return args;
  throw new KrunError('E_IMAGE', 'the image does not say what to run', { hint: 'name a program: krun run --image IMAGE -- PROGRAM…' });
}

// Of a name that stands twice the last value counts.
function environmentOf({ env }: ImageConfig, wishes: ContainerWishes): readonly string[] {
  const all = [defaultPath, ...(wishes.terminal ? ['TERM=xterm'] : []), ...env, ...wishes.env].filter((entry) => entry.indexOf('=') > 0);
  return [...new Map(all.map((entry) => [entry.slice(0, entry.indexOf('=')), entry])).values()];
}

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function workingDirectory({ workingDir }: ImageConfig, wanted: string | null): string {
  const path = wanted ?? workingDir;
  return path.startsWith('/') ? path : `/${path}`;
}

function annotationsOf(image: ImageConfig, labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { os, architecture, variant, author, created, stopSignal, exposedPorts } = image;
  const implied = {
    os,
    architecture,
    variant,
    author,
    created,
    stopSignal,
    exposedPorts: exposedPorts.length === 0 ? null : exposedPorts.join(','),
  };
  const named = Object.entries(implied).flatMap(([name, value]) =>
    value === null || value === '' ? [] : [[`org.opencontainers.image.${name}`, value]],
  );
  return { ...(Object.fromEntries(named) as Record<string, string>), ...image.labels, ...labels };
}

function capabilitiesOf({ capAdd, capDrop, rootless }: ContainerWishes): readonly string[] {
  const full = (name: string) => (name.toUpperCase() === 'ALL' ? 'ALL' : `CAP_${name.toUpperCase().replace(/^CAP_/, '')}`);
  const [added, dropped] = [new Set(capAdd.map(full)), new Set(capDrop.map(full))];
  if (added.has('ALL')) throw new KrunError('E_USAGE', '--cap-add ALL is refused', { hint: 'name those that are needed' });
  const own = rootless === null || rootless.uid >= 0 ? imageCapabilities : [];
  const kept = dropped.has('ALL') ? [] : own.filter((name) => !dropped.has(name));
  return [...new Set([...kept, ...added])];
}

function limitsOf(base: Config, { memory, cpus, pids }: ContainerWishes): Pick<NonNullable<Config['linux']>, 'resources'> {
  const limits = {
    ...(memory === null ? {} : { memory: { limit: memory } }),
    ...(cpus === null ? {} : { cpu: { quota: BigInt(Math.round(cpus * 100_000)), period: 100_000n } }),
    ...(pids === null ? {} : { pids: { limit: pids } }),
  };
  return Object.keys(limits).length === 0 && base.linux?.resources === undefined
    ? {}
    : { resources: { ...base.linux?.resources, ...limits } };
}
