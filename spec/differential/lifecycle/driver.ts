// One interface to the three runtimes: a command line with ID, BUNDLE and DIR in it → what a caller can see of what became of it.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { type Bundle, makeBundle } from '../../support/bundle.ts';
import { type ConfigChange, withLinux } from '../../support/change-config.ts';
import { krunBinary } from '../../support/krun.ts';
import { find, type RuntimeName } from '../runtimes.ts';
import type { Ran, World } from '../world.ts';
import { shapeOf, wordsIn } from './observe.ts';

export interface Driver {
  readonly bundle: Bundle;
  /** Beside the bundle: for pid files, logs and sockets. */
  readonly directory: string;
  readonly run: (command: string) => Promise<Ran>;
  /** As `state` tells it; 'absent' when that fails. */
  readonly status: (id?: string) => Promise<string>;
}

/** A fresh bundle, whose container goes with the test. */
export async function makeDriver(t: ExecutionContext, runtime: RuntimeName, world: World, change: ConfigChange): Promise<Driver> {
  // To load a device program crun 1.8 raises RLIMIT_MEMLOCK, which takes CAP_SYS_RESOURCE: no device rules.
  const bundle = await makeBundle(t, (config) => withLinux({ resources: {} })(change({ ...config, ociVersion: '1.0.0' })));
  const directory = join(bundle.path, 'beside');
  mkdirSync(directory);
  const globals = [runtime === 'krun' ? krunBinary : (find(runtime) ?? runtime), '--root', join(bundle.path, 'state')];
  const run = (command: string): Promise<Ran> => world.run([...globals, ...split(command, bundle, directory)]);
  const status = (id = bundle.id) => statusOf(run, id);
  t.teardown(async () => {
    for (const id of [bundle.id, `${bundle.id}-2`]) await run(`delete --force ${id}`);
  });
  return { bundle, directory, run, status };
}

async function statusOf(run: Driver['run'], id: string): Promise<string> {
  const { status, stdout } = await run(`state ${id}`);
  return status === 0 ? (JSON.parse(stdout) as { status: string }).status : 'absent';
}

// Words are parted by blanks; a blank within one is written as a tab.
function split(command: string, { id, path }: Bundle, directory: string): string[] {
  const replaced = command.replaceAll('BUNDLE', path).replaceAll('DIR', directory).replaceAll('ID', id);
  return replaced.split(' ').map((word) => (word === "''" ? '' : word.replaceAll('\t', ' ')));
}

export interface Seen {
  readonly step: string;
  /** Exit status, words that callers look for, the shape of what was printed, the container's status afterwards. */
  readonly answer: string;
}

export async function play(driver: Driver, steps: readonly string[]): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const [index, step] of steps.entries()) {
    const answer = await playStep(driver, step);
    const isPassing = steps[index + 1]?.startsWith('until') ?? false; // a state that is about to change
    seen.push({ step, answer: isPassing ? answer.replace(/ \| then \w+$/, '') : answer });
  }
  return seen;
}

async function playStep(driver: Driver, step: string): Promise<string> {
  const [verb = '', argument = ''] = step.split(' ');
  if (verb === 'until') return until(driver, argument);
  if (verb === 'file') return describeFile(readFileSync(argument.replace('DIR', driver.directory), 'utf8'), await pidOf(driver));
  const { status, stdout, stderr } = await driver.run(step);
  const output = stdout === '' ? [] : [shapeOf(stdout, driver.bundle)];
  return [`exit ${status}`, ...wordsIn(stderr), ...output, `then ${await driver.status()}`].join(' | ');
}

async function until(driver: Driver, wanted: string): Promise<string> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await delay(5)) {
    if ((await driver.status()) === wanted) return wanted;
  }
  return `never ${wanted}`;
}

async function pidOf({ run, bundle }: Driver): Promise<string> {
  const { status, stdout } = await run(`state ${bundle.id}`);
  return status === 0 ? String((JSON.parse(stdout) as { pid: number }).pid) : '';
}

function describeFile(text: string, pid: string): string {
  if (text === pid) return "init's pid, without a newline";
  return /^\d+$/.test(text) ? 'another pid, without a newline' : text;
}
