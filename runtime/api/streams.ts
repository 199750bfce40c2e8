import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { Readable, type Writable } from 'node:stream';

/** null for a stream that is no pipe. */
export interface Streams {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** The process has ended: descriptors are closed, and what it has said is kept for who reads later. */
  readonly settle: () => void;
}

export const noStreams: Streams = { stdin: null, stdout: null, stderr: null, settle: () => {} };

/**
 * Opens the program's ends of pipes that a launcher has made. Node can be sent no descriptors; but those of a child of the same user are
 * to be had from procfs, and opening one of a pipe is opening that pipe (proc_pid_fd(5)). So the container gets real pipes.
 */
export function openStreams(launcher: number, descriptors: readonly (number | null)[]): Streams {
  const opened: Socket[] = [];
  const open = (index: number, flags: number): Socket | null => {
    const descriptor = descriptors[index] ?? null;
    if (descriptor === null) return null;
    const fd = openSync(`/proc/${launcher}/fd/${descriptor}`, flags | constants.O_NONBLOCK);
    const socket = new Socket({ fd, readable: flags === constants.O_RDONLY, writable: flags === constants.O_WRONLY });
    opened.push(socket);
    return socket;
  };
  try {
    const stdin = open(0, constants.O_WRONLY);
    const outputs = [open(1, constants.O_RDONLY), open(2, constants.O_RDONLY)].map((socket) => socket && keepForLater(socket));
    const [stdout = null, stderr = null] = outputs.map((output) => output && output.stream);
    const settle = () => {
      stdin?.destroy();
      for (const output of outputs) output?.drain();
    };
    return { stdin, stdout, stderr, settle };
  } catch (error) {
    for (const socket of opened) socket.destroy();
    throw error;
  }
}

export function destroyStreams({ stdin, stdout, stderr }: Pick<Streams, 'stdin' | 'stdout' | 'stderr'>): void {
  for (const stream of [stdin, stdout, stderr]) stream?.destroy();
}

// What a process leaves unread in its pipe when it ends: the pipe's size, which root may raise. More comes only from who has got the pipe
// from the process and goes on writing; that waits for a reader.
const mostKept = 1024 * 1024;

/**
 * A socket closes its descriptor when somebody has read it to its end. Who never reads would leak it, and dropping what is unread, as
 * child_process does, would lose it for who waits first and reads then. So the rest is taken into memory when the process has ended.
 */
function keepForLater(socket: Socket): { readonly stream: Readable; readonly drain: () => void } {
  let isOver = false;
  const stream = new Readable({
    read: () => void socket.resume(),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (chunk) => {
    const wantsMore = stream.push(chunk);
    if (!wantsMore && !(isOver && stream.readableLength < mostKept)) socket.pause();
  });
  socket.on('end', () => stream.push(null));
  socket.on('error', (error) => stream.destroy(error));
  socket.pause();
  const drain = () => {
    isOver = true;
    socket.resume();
  };
  return { stream, drain };
}
