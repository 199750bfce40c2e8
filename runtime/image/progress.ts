// How far transfers are: bars on a terminal, a line for each otherwise, nothing when nobody wants to know.
import { writeSync } from 'node:fs';

export interface Progress {
  readonly say: (line: string) => void;
  readonly start: (name: string, total: number) => Bar;
  /** Takes the bars off. */
  readonly end: () => void;
}

export interface Bar {
  readonly advance: (bytes: number) => void;
  readonly restart: () => void;
  readonly done: () => void;
}

export type ProgressStyle = 'bars' | 'lines' | 'none';

/** To standard error: standard output is for results. */
export function makeProgress(style: ProgressStyle, write: (text: string) => void = toStandardError): Progress {
  if (style === 'none') return { say: () => {}, start: () => ({ advance: () => {}, restart: () => {}, done: () => {} }), end: () => {} };
  return style === 'bars' ? bars(write) : lines(write);
}

function lines(write: (text: string) => void): Progress {
  return {
    say: (line) => write(`${line}\n`),
    start: (name, total) => ({
      advance: () => {},
      restart: () => {},
      done: () => write(`${short(name)} ${humanBytes(total)}\n`),
    }),
    end: () => {},
  };
}

interface State {
  readonly name: string;
  readonly total: number;
  at: number;
}

function bars(write: (text: string) => void): Progress {
  const running = new Set<State>();
  let shown = 0;
  let last = 0;
  const clear = () => {
    if (shown > 0) write(`\x1b[${shown}A\x1b[J`);
    shown = 0;
  };
  const draw = (force: boolean) => {
    const now = performance.now();
    if (!force && now - last < 50) return;
    last = now;
    clear();
    write([...running].map((state) => `${renderBar(state)}\n`).join(''));
    shown = running.size;
  };
  return {
    say: (line) => {
      clear();
      write(`${line}\n`);
      draw(true);
    },
    start: (name, total) => {
      const state: State = { name, total, at: 0 };
      running.add(state);
      draw(true);
      return {
        advance: (bytes) => {
          state.at += bytes;
          draw(false);
        },
        restart: () => {
          state.at = 0;
        },
        done: () => {
          running.delete(state);
          clear();
          write(`${short(name)} ${humanBytes(total)}\n`);
          draw(true);
        },
      };
    },
    end: clear,
  };
}

function renderBar({ name, total, at }: State): string {
  const share = total === 0 ? 1 : Math.min(at / total, 1);
  const filled = Math.round(share * 30);
  return `${short(name)} [${'='.repeat(filled)}${' '.repeat(30 - filled)}] ${humanBytes(at)} of ${humanBytes(total)}`;
}

/** As people read them: 3.4 MB. */
export function humanBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3), units.length - 1);
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(1)} ${units[power]}`;
}

/** The first twelve digits of a digest. */
export function short(digest: string): string {
  return digest.replace(/^sha\d+:/, '').slice(0, 12);
}

function toStandardError(text: string): void {
  writeSync(2, text);
}
