// The program of the image commands, which the helper becomes (cli/commands/become-images.ts): argv is the caller's own.
import { appendFileSync, writeSync } from 'node:fs';
import { parse } from '../cli/parse.ts';
import { reportFailure } from '../cli/report-failure.ts';
import type { Caller } from '../container/caller.ts';
import { KrunError } from '../errors/krun-error.ts';
import { type ImageCall, makeCall } from './commands/call.ts';
import { imageCommand } from './commands/image.ts';
import { pull } from './commands/pull.ts';
import { push } from './commands/push.ts';
import { run } from './commands/run.ts';

const commands: Readonly<Record<string, (call: ImageCall) => Promise<void>>> = { pull, push, image: imageCommand, run };

const caller: Caller = {
  argv: process.argv.slice(2),
  cwd: process.cwd(),
  env: new Map(Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))),
  uid: process.geteuid?.() ?? 0,
  gid: process.getegid?.() ?? 0,
  pid: process.pid,
  umask: process.umask(),
  terminals: [process.stdin.isTTY, process.stdout.isTTY, process.stderr.isTTY].map((isTerminal) => isTerminal === true),
};

const line = parse(caller.argv);
void main().catch(report);

async function main(): Promise<void> {
  if (line.problem !== null) throw line.problem;
  const command = commands[line.command ?? ''];
  if (command === undefined) throw new KrunError('E_INTERNAL', `${line.command} is no command of images`);
  await command(makeCall(caller, line));
}

// The plan that a supervisor would make of it, carried out here.
function report(error: unknown): void {
  for (const op of reportFailure(error, caller, line)) {
    if (op.op === 'write') writeSync(op.descriptor, op.content);
    else if (op.op === 'appendFile') appendFileSync(op.path, op.content);
    else if (op.op === 'exit') process.exit(op.status);
  }
}
