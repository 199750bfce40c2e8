// The ops around criu, which is a child like any other: made by clone, spoken to over a socket pair, reaped.
import { namespaceFlags } from './constants/namespaces.ts';
import type { Op, Plan } from './ops.ts';

/** How criu is run. */
export interface CriuProgram {
  /** Absolute. */
  readonly path: string;
  /** NAME=value: the caller's, for criu runs iptables, ip and tar by its PATH. */
  readonly environment: readonly string[];
}

/** Numbers beyond those that the helper itself uses. */
export const criuDescriptors = { socket: 200, images: 201, work: 202, namespaces: 203 } as const;

export interface CriuDialogue {
  readonly program: CriuProgram;
  readonly request: Uint8Array;
  /** Host paths of directories. */
  readonly images: string;
  readonly work: string;
  /** Slots that criu finds at these numbers, besides images and work. */
  readonly descriptors: readonly { readonly slot: string; readonly number: number }[];
  /** In a mount namespace of criu's own: these ops come first. null: in the helper's. */
  readonly mounts: Plan | null;
  /** The slot of the cgroup that criu works in, and so all that it makes from its birth on; null: the helper's. */
  readonly cgroup: string | null;
  /** Absolute path of criu's log, for errors. */
  readonly log: string;
}

/**
 * Starts criu and hands the request to it. criu looks for the directories' descriptors in the process that made the socket pair, and works
 * in one of them: so the child itself makes and opens all that, in criu's own mount namespace, and sends the near end to the helper.
 */
export function startCriu({ program, request, images, work, descriptors, mounts, cgroup }: CriuDialogue): Plan {
  const child: Plan = [
    ...(mounts ?? []),
    { op: 'openHostDirectory', pointer, path: images, create: false, directory: 'criu/images' },
    { op: 'openHostDirectory', pointer, path: work, create: true, directory: 'criu/work' },
    { op: 'openSocketPair', pointer, near, far },
    { op: 'sendDescriptor', pointer, socket: 'criu/sender', descriptor: near, name: 'criu' },
    place(far, criuDescriptors.socket),
    place('criu/images', criuDescriptors.images),
    place('criu/work', criuDescriptors.work),
    ...descriptors.map(({ slot, number }) => place(slot, number)),
    { op: 'findProgram', pointer, name: program.path, searchPath: '' },
    { op: 'execute', pointer, arguments: ['criu', 'swrk', String(criuDescriptors.socket)], environment: program.environment },
  ];
  return [
    { op: 'openSocketPair', pointer, near: 'criu/receiver', far: 'criu/sender' },
    { op: 'clone', pointer, flags: mounts === null ? 0n : namespaceFlags.mount, cgroup, program: child },
    { op: 'waitForExecute', pointer },
    { op: 'receiveDescriptor', pointer, socket: 'criu/receiver', descriptor: near },
    { op: 'requestCriu', pointer, socket: near, request },
  ];
}

function place(descriptor: string, number: number): Op {
  return { op: 'placeDescriptor', pointer, descriptor, number };
}

/** Waits for a point of criu's (criu.org/Action_scripts), or with '' for its end. */
export function awaitCriu(
  { log }: CriuDialogue,
  script: string,
  { acknowledge, restores }: { readonly acknowledge: boolean; readonly restores: boolean },
): Op {
  return { op: 'awaitCriu', pointer, socket: near, acknowledge, script, terminal: restores ? 'terminal' : null, restores, log };
}

const pointer = '';
const [near, far] = ['criu/near', 'criu/far'];
