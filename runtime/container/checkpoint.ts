// `checkpoint`: criu writes the processes of a container to files; they end then, and the container goes, unless it is to stay.
import { statSync } from 'node:fs';
import type { FollowUp } from '../channel/decode-request.ts';
import type { Config } from '../config/config.ts';
import { createsNamespace } from '../config/namespaces.ts';
import { KrunError } from '../errors/krun-error.ts';
import { mountsOf } from '../host/container-mounts.ts';
import { type StandardDescriptor, standardDescriptors } from '../host/standard-descriptors.ts';
import { awaitCriu, type CriuDialogue, criuDescriptors, startCriu } from '../plan/criu.ts';
import { mountsToDump, type SeenMount } from '../plan/criu-mounts.ts';
import { type CgroupsMode, type CriuOptions, type CriuRequest, encodeCriuRequest } from '../plan/criu-request.ts';
import type { Op, Plan } from '../plan/ops.ts';
import type { Caller } from './caller.ts';
import { criuConfigFile } from './criu-config-file.ts';
import { askForVersion, findCriu, requireVersion } from './criu-program.ts';
import type { CheckpointOptions } from './options.ts';
import { notRunning } from './pause.ts';
import { planRemoval } from './removal.ts';
import { readSavedConfig } from './saved-config.ts';
import { type FoundContainer, type ProcessIdentity, readContainer } from './stored-state.ts';

export const descriptorsFileName = 'descriptors.json';

/** Throws E_NOT_RUNNING, E_NO_CRIU, E_CHECKPOINT for what cannot be written, E_FILE for directories that cannot be used. */
export async function checkpointContainer(caller: Caller, options: CheckpointOptions, followUp: FollowUp | null): Promise<Plan> {
  const container = readContainer(options.root, options.id);
  const init = requireRunning(container, options);
  const program = findCriu(caller);
  if (followUp === null) return askForVersion(program);
  requireVersion(program, followUp);
  const config = readSavedConfig(options.root, options.id);
  const seen = look(container, init);
  const request = describeDump(options, container, { config, init, seen });
  const log = `${options.workPath}/${request.log}`;
  const dialogue: CriuDialogue = {
    program,
    request: encodeCriuRequest(request),
    images: options.imagePath,
    work: options.workPath,
    descriptors: [],
    mounts: null,
    cgroup: null,
    log,
  };
  const stays = options.criu.leaveRunning || options.preDump;
  return [
    { op: 'openProcess', pointer: '', ...init, process: 'init' },
    { op: 'openHostDirectory', pointer: '', path: options.imagePath, create: true, directory: 'criu/images' },
    ...(options.preDump ? [] : [writeDescriptors(seen)]),
    ...startCriu(dialogue),
    awaitCriu(dialogue, '', { acknowledge: false, restores: false }),
    ...(stays ? [] : await planRemoval(caller, options.root, container)),
    { op: 'exit', pointer: '', status: 0 },
  ];
}

function requireRunning(container: FoundContainer, { id }: CheckpointOptions): ProcessIdentity {
  const { status, init } = container;
  if (init === null) throw notRunning(id, container);
  if (status === 'running' || status === 'paused') return init;
  throw new KrunError('E_NOT_RUNNING', `container cannot be checkpointed: ${id} is ${status}`, { hint: 'start it first' });
}

interface Seen {
  readonly mounts: readonly SeenMount[];
  readonly hostMounts: readonly SeenMount[];
  readonly standard: readonly StandardDescriptor[];
}

function look({ state }: FoundContainer, { pid }: ProcessIdentity): Seen {
  try {
    if (statSync(`/proc/${pid}/root`).dev !== statSync(state.rootfs).dev)
      throw new KrunError(
        'E_CHECKPOINT',
        'a container whose root file system has layers (--ephemeral, --overlay-…) cannot be checkpointed',
        {
          hint: 'what is written in the layers would be lost: mount an overlay on the host and make that the root',
        },
      );
    return { mounts: mountsOf(pid), hostMounts: mountsOf('self'), standard: standardDescriptors(pid) };
  } catch (cause) {
    if (cause instanceof KrunError) throw cause;
    throw new KrunError('E_CHECKPOINT', `the processes of container ${state.id} cannot be looked at`, { cause });
  }
}

interface Subject {
  readonly config: Config;
  readonly init: ProcessIdentity;
  readonly seen: Seen;
}

function describeDump(options: CheckpointOptions, { state }: FoundContainer, { config, init, seen }: Subject): CriuRequest {
  return {
    kind: options.preDump ? 'pre-dump' : 'dump',
    images: criuDescriptors.images,
    work: criuDescriptors.work,
    log: 'dump.log',
    root: state.rootfs,
    pid: init.pid,
    options: { ...options.criu, cgroupsMode: cgroupsModeFor(config, options.criu) },
    mounts: options.preDump ? [] : mountsToDump(seen.mounts, seen.hostMounts),
    external: [...externalNamespaces(config, init), ...new Set(externalFiles(seen).filter((name) => name !== null))],
    freezeCgroup: state.cgroup === null ? null : state.cgroup.mountpoint + state.cgroup.path,
    terminal: true,
    configFile: criuConfigFile(),
  };
}

/** Joined by path, they are neither the container's nor in the images: criu calls them by these names, as runc has it. */
export const externalNamespaceNames = { network: ['net', 'extRootNetNS'], pid: ['pid', 'extRootPidNS'] } as const;

function externalNamespaces({ linux }: Config, { pid }: ProcessIdentity): string[] {
  return (linux?.namespaces ?? []).flatMap(({ type, path }) => {
    if (path === undefined || (type !== 'network' && type !== 'pid')) return [];
    const [name, key] = externalNamespaceNames[type];
    return [`${name}[${statSync(`/proc/${pid}/ns/${name}`).ino}]:${key}`];
  });
}

// criu(8), --external file[mnt_id:inode]: opened on the host, from where the container cannot see it.
function externalFiles({ mounts, standard }: Seen): (string | null)[] {
  const own = new Set(mounts.map(({ id }) => id));
  return standard.map(({ isFile, mountId, inode }) =>
    isFile && mountId >= 0 && !own.has(mountId) ? `file[${mountId.toString(16)}:${inode.toString(16)}]` : null,
  );
}

// runc's file: what stood at 0, 1 and 2, so that a restore can put what it has there instead.
function writeDescriptors(seen: Seen): Op {
  const names = externalFiles(seen);
  const descriptors = seen.standard.map(({ link }, index) => names[index] ?? link);
  const content = new TextEncoder().encode(JSON.stringify(descriptors));
  return { op: 'writeStateFile', pointer: '', directory: 'criu/images', name: descriptorsFileName, content };
}

/** criu restores a cgroup namespace only if it deals with cgroups; in that of the container it then finds nothing to do, as krun has made it. */
export function cgroupsModeFor({ linux }: Config, { cgroupsMode }: CriuOptions): CgroupsMode {
  return cgroupsMode === 'ignore' && createsNamespace(linux, 'cgroup') ? 'soft' : cgroupsMode;
}
