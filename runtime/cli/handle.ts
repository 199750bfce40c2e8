// A request → a plan: the whole command line interface as the supervisor sees it. Every answer is a plan, an error's too.

import type { FollowUp } from '../channel/decode-request.ts';
import type { Caller } from '../container/caller.ts';
import type { Plan } from '../plan/ops.ts';
import type { Home } from '../supervisor/home.ts';
import { NotServed } from '../supervisor/not-served.ts';
import { create } from './commands/create.ts';
import { deleteCommand } from './commands/delete.ts';
import { exec } from './commands/exec.ts';
import { gc } from './commands/gc.ts';
import { kill } from './commands/kill.ts';
import { list } from './commands/list.ts';
import { run } from './commands/run.ts';
import { start } from './commands/start.ts';
import { state } from './commands/state.ts';
import type { CommandName } from './commands.ts';
import { isSet } from './flag-values.ts';
import { type CommandLine, parse } from './parse.ts';
import { reportFailure } from './report-failure.ts';
import { wantsTiming, withTiming } from './timing.ts';

/** `followUp`: what the plan of the same call has handed on, when it ended in askAgain. */
export type CommandHandler = (caller: Caller, line: CommandLine, followUp: FollowUp | null, home: Home | null) => Plan | Promise<Plan>;

/** Rejects with NotServed alone: what else is thrown on the way becomes a plan that reports it. */
export async function handleCommand(caller: Caller, followUp: FollowUp | null = null, home: Home | null = null): Promise<Plan> {
  const line = parse(caller.argv);
  try {
    if (line.problem !== null) throw line.problem;
    const command = commandOf(line);
    home?.serving(command);
    const handler = await handlers[command]();
    if (!wantsTiming(caller, line)) return await handler(caller, line, followUp, home);
    const began = process.hrtime.bigint();
    const plan = await handler(caller, line, followUp, home);
    const microseconds = Number((process.hrtime.bigint() - began) / 1000n);
    return withTiming(plan, { home: home === null ? "the call's own" : 'a resident', microseconds });
  } catch (error) {
    if (error instanceof NotServed) throw error;
    return reportFailure(error, caller, line);
  }
}

function commandOf({ command, globals }: CommandLine): CommandName {
  if (isSet(globals, 'help')) return 'help';
  return isSet(globals, 'version') ? 'version' : (command ?? 'help');
}

// What a start needs is in its bundle, imported statically: a dynamic import would cost each module below it a wrapper. help, validate
// and the like are in the bundle of cold-commands.ts and loaded when asked for.
const handlers = {
  run: () => run,
  create: () => create,
  start: () => start,
  wait: async () => (await import('./control-commands.ts')).wait,
  exec: () => exec,
  state: () => state,
  kill: () => kill,
  delete: () => deleteCommand,
  gc: () => gc,
  list: () => list,
  doctor: async () => (await import('./cold-commands.ts')).doctor,
  pause: async () => (await import('./control-commands.ts')).pause,
  resume: async () => (await import('./control-commands.ts')).resume,
  ps: async () => (await import('./control-commands.ts')).ps,
  events: async () => (await import('./control-commands.ts')).events,
  update: async () => (await import('./control-commands.ts')).update,
  checkpoint: async () => (await import('./checkpoint-commands.ts')).checkpoint,
  restore: async () => (await import('./checkpoint-commands.ts')).restore,
  pull: async () => (await import('./control-commands.ts')).becomeImages,
  push: async () => (await import('./control-commands.ts')).becomeImages,
  image: async () => (await import('./control-commands.ts')).becomeImages,
  supervisor: async () => (await import('./control-commands.ts')).supervisor,
  plan: async () => (await import('./cold-commands.ts')).plan,
  spec: async () => (await import('./cold-commands.ts')).spec,
  validate: async () => (await import('./cold-commands.ts')).validate,
  features: async () => (await import('./cold-commands.ts')).features,
  version: async () => (await import('./cold-commands.ts')).version,
  completion: async () => (await import('./cold-commands.ts')).completion,
  help: async () => (await import('./cold-commands.ts')).help,
} as const satisfies Record<CommandName, () => CommandHandler | Promise<CommandHandler>>;
