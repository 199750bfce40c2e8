// Somebody at a terminal: krun in a pty, keys in, the screen out. Nothing is slept for: what is expected is waited for.
import { spawn } from '@lydell/node-pty';
import type { ExecutionContext } from 'ava';

export interface Person {
  readonly pid: number;
  /** What has come since the last thing that was waited for, once it holds this; an error after 20 s. */
  readonly see: (wanted: RegExp | string) => Promise<string>;
  readonly type: (keys: string) => void;
  readonly resize: (columns: number, rows: number) => void;
  /** How the program at the terminal has ended. */
  readonly end: Promise<{ readonly exitCode: number; readonly signal?: number | undefined }>;
}

/** Runs a program at a new terminal; it is killed when the test is over. */
export function sitDown(t: ExecutionContext, program: string, args: readonly string[], size = { columns: 80, rows: 24 }): Person {
  const terminal = spawn(program, [...args], {
    name: 'xterm',
    cols: size.columns,
    rows: size.rows,
    cwd: '/',
    env: { PATH: process.env.PATH ?? '', TERM: 'xterm' },
  });
  let screen = '';
  let look = (): void => {};
  terminal.onData((data) => {
    screen += data;
    look();
  });
  const end = new Promise<{ exitCode: number; signal?: number | undefined }>((resolve) => terminal.onExit(resolve));
  t.teardown(() => {
    try {
      terminal.kill('SIGKILL');
    } catch {} // it has gone
  });
  const see = (wanted: RegExp | string): Promise<string> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${String(wanted)} on the screen: ${JSON.stringify(screen)}`)), 20_000);
      look = () => {
        const found = typeof wanted === 'string' ? screen.indexOf(wanted) : screen.search(wanted);
        if (found < 0) return;
        clearTimeout(timer);
        look = () => {};
        const length = typeof wanted === 'string' ? wanted.length : (wanted.exec(screen)?.[0].length ?? 0);
        const seen = screen.slice(0, found + length);
        screen = screen.slice(found + length);
        resolve(seen);
      };
      look();
    });
  return { pid: terminal.pid, see, type: (keys) => terminal.write(keys), resize: (columns, rows) => terminal.resize(columns, rows), end };
}
