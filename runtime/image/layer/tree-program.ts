// dist/layer, as a child: what it is told and what it tells. It works below one directory and decides nothing.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { KrunError } from '../../errors/krun-error.ts';

/** One directory up, seen from a bundle in dist/; three from here. */
const program = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../../../dist/layer' : './layer', import.meta.url));

/** A system call that failed; `path` is in the tree, as bytes. */
export interface TreeReport {
  readonly isFailure: boolean;
  readonly errno: number;
  readonly syscall: string;
  readonly path: string;
  readonly detail: string;
}

export interface TreeProgram {
  /** All pieces, in order; settles when they are on their way. Rejects once the program has gone, `ended` says why. */
  readonly write: (pieces: readonly Buffer[]) => Promise<void>;
  readonly output: Readable;
  /** What it had to say. It does not reject for a failure of the program, which is among that; E_LAYER_WRITE when it ended without a word. */
  readonly ended: Promise<readonly TreeReport[]>;
  readonly kill: () => void;
}

/** Starts it on a directory, which must be one and no link. E_FILE if it cannot be opened. */
export async function startTreeProgram(mode: 'unpack' | 'read' | 'empty', directory: string): Promise<TreeProgram> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW).catch((cause) => {
    throw new KrunError('E_FILE', `the directory ${JSON.stringify(directory)} cannot be opened: ${cause.message}`, {
      path: directory,
      cause,
    });
  });
  try {
    const child = spawn(program, [mode], { stdio: ['pipe', 'pipe', 'pipe', handle.fd], env: {}, cwd: '/' });
    return treeProgram(child as ChildProcessByStdio<Writable, Readable, Readable>);
  } finally {
    await handle.close();
  }
}

function treeProgram(child: ChildProcessByStdio<Writable, Readable, Readable>): TreeProgram {
  const said: Buffer[] = [];
  let length = 0;
  child.stdin.on('error', () => undefined); // its end tells
  child.stderr.on('data', (piece: Buffer) => {
    length += piece.length;
    if (length < 1 << 20) said.push(piece);
  });
  const ended = new Promise<readonly TreeReport[]>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new KrunError('E_LAYER_WRITE', `${program} cannot be started`, { cause, hint: 'install krun anew, or build it' })),
    );
    child.once('close', (status, signal) => {
      const reports = decodeReports(Buffer.concat(said));
      if (status === 0 || reports.some(({ isFailure }) => isFailure)) resolve(reports);
      else reject(new KrunError('E_LAYER_WRITE', `${program} has ended unexpectedly (${signal ?? `status ${status}`})`));
    });
  });
  ended.catch(() => undefined); // whoever waits for it hears of it
  // Read from the beginning: what nobody reads when a child ends is thrown away by Node.
  const output = child.stdout.pipe(new PassThrough({ highWaterMark: 1 << 20 }));
  return { write, output, ended, kill: () => child.kill('SIGKILL') };

  function write(pieces: readonly Buffer[]): Promise<void> {
    if (pieces.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      child.stdin.cork();
      for (const [index, piece] of pieces.entries())
        child.stdin.write(piece, index < pieces.length - 1 ? undefined : (error) => (error ? reject(error) : resolve()));
      child.stdin.uncork();
    });
  }
}

// Five words each, every one ended by a NUL: main.c.
function decodeReports(bytes: Buffer): readonly TreeReport[] {
  const words = bytes.toString('latin1').split('\0').slice(0, -1);
  return Array.from({ length: Math.floor(words.length / 5) }, (_, index) => {
    const [kind = '', errno = '', syscall = '', path = '', detail = ''] = words.slice(5 * index, 5 * index + 5);
    return { isFailure: kind === 'F', errno: Number(errno), syscall, path, detail };
  });
}
