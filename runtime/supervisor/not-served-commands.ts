// In the resident supervisor's bundle this stands for cli/cold-commands.ts: what nobody waits for, takes memory for good, or keeps state
// between two calls (yargs does) is left to a supervisor of the call's own.
import type * as ColdCommands from '../cli/cold-commands.ts';
import type { CommandHandler } from '../cli/handle.ts';
import { NotServed } from './not-served.ts';

const leave: CommandHandler = () => {
  throw new NotServed();
};

export const { completion, doctor, features, help, plan, spec, validate, version } = {
  completion: leave,
  doctor: leave,
  features: leave,
  help: leave,
  plan: leave,
  spec: leave,
  validate: leave,
  version: leave,
} satisfies Record<keyof typeof ColdCommands, CommandHandler>;
