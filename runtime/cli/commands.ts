// The commands: one row each. Flags are in flags.ts; what a command does is in commands/.
export interface Command {
  readonly help: string;
  /** What stands after `krun NAME [FLAGS]`. */
  readonly arguments: string;
  readonly least: number;
  readonly most: number;
  /** After the first positional argument everything is positional, as in `kill ID -9`. */
  readonly stopsAtFirst?: true;
  /** Arguments after `--` are counted apart: they are a command for the container. */
  readonly takesProgram?: true;
  /** The ID is a new container's. */
  readonly makesId?: true;
  readonly hidden?: true;
}

const overBundle = { arguments: 'ID | BUNDLE | --rootfs DIR -- PROGRAM…', least: 0, most: 1, takesProgram: true, makesId: true } as const;

export const commandTable = {
  run: { help: 'create a container, start it, wait for it and remove it', ...overBundle },
  create: { help: 'create a container that waits for `start`', arguments: 'ID', least: 1, most: 1, makesId: true },
  start: { help: 'start a container that was created', arguments: 'ID', least: 1, most: 1 },
  wait: {
    help: 'wait until a container has ended, print its status and leave with it',
    arguments: 'ID',
    least: 1,
    most: 1,
  },
  plan: { help: 'print what `run` with the same arguments would do, step by step, without doing it', ...overBundle },
  exec: {
    help: 'run one more process in a container',
    arguments: 'ID PROGRAM [ARGUMENT…] | --process FILE ID',
    least: 1,
    most: Number.POSITIVE_INFINITY,
    stopsAtFirst: true,
  },
  spec: { help: 'write a new config.json', arguments: '', least: 0, most: 0 },
  validate: { help: 'report every problem of a config.json', arguments: 'BUNDLE | FILE', least: 0, most: 1 },
  state: { help: "print a container's state as JSON", arguments: 'ID', least: 1, most: 1 },
  list: { help: 'list the containers below --root', arguments: '', least: 0, most: 0 },
  kill: {
    help: "send a signal (default SIGTERM) to a container's first process",
    arguments: 'ID [SIGNAL]',
    least: 1,
    most: 2,
    stopsAtFirst: true,
  },
  pause: { help: 'stop every process of a container where it stands', arguments: 'ID', least: 1, most: 1 },
  resume: { help: 'let the processes of a paused container go on', arguments: 'ID', least: 1, most: 1 },
  ps: {
    help: "list a container's processes; arguments are those of the host's ps (default: -ef)",
    arguments: 'ID [ARGUMENT…]',
    least: 1,
    most: Number.POSITIVE_INFINITY,
    stopsAtFirst: true,
  },
  events: {
    help: "print a container's statistics and out-of-memory kills, a line of JSON each, until it ends",
    arguments: 'ID',
    least: 1,
    most: 1,
  },
  update: { help: "change a container's limits", arguments: 'ID', least: 1, most: 1 },
  checkpoint: { help: "write a container's processes to files by criu, and remove the container", arguments: 'ID', least: 1, most: 1 },
  restore: { help: 'make a container of a bundle and the processes of a checkpoint', arguments: 'ID', least: 1, most: 1 },
  delete: { help: 'remove what is left of a container that has ended', arguments: 'ID', least: 1, most: 1 },
  pull: { help: 'fetch an image from a registry', arguments: 'IMAGE', least: 1, most: 1 },
  push: { help: 'send an image to a registry', arguments: 'IMAGE [DESTINATION]', least: 1, most: 2 },
  image: {
    help: 'look at images and change what the store holds',
    arguments: 'ls | inspect IMAGE | history IMAGE | tag IMAGE NAME | rm IMAGE… | prune | save IMAGE… | load',
    least: 1,
    most: Number.POSITIVE_INFINITY,
  },
  gc: { help: 'remove what killed helpers left behind: of one container, or of all that have ended', arguments: '[ID]', least: 0, most: 1 },
  supervisor: {
    help: 'stay and answer all calls of this user, which start sooner',
    arguments: '[status | stop]',
    least: 0,
    most: 1,
  },
  doctor: { help: 'check what this host lacks for containers, and say how to mend it', arguments: '', least: 0, most: 0 },
  features: { help: 'print what krun can do, as JSON', arguments: '', least: 0, most: 0 },
  version: { help: 'print the version', arguments: '', least: 0, most: 0 },
  completion: { help: 'print a completion script for the shell', arguments: '[bash | zsh | fish]', least: 0, most: 1, takesProgram: true },
  help: { help: 'print help, of one command if named', arguments: '[COMMAND]', least: 0, most: 1 },
} as const satisfies Record<string, Command>;

export type CommandName = keyof typeof commandTable;

export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(commandTable, name);
}

export function describeCommand(name: CommandName): Command {
  return commandTable[name];
}
