// docs/API.md: the examples are the files of examples/, which spec/api/examples.test.ts runs.
import { readFileSync } from 'node:fs';

export function apiPage(): string {
  return `# krun from Node programs

\`\`\`js
import { Krun } from 'krun';
\`\`\`

ES modules, with types; Node 24 or newer (tested on 24.21), Linux ≥ 5.14. An instance of \`Krun\` is one state root (\`/run/krun\`, or
\`$XDG_RUNTIME_DIR/krun\`; \`new Krun({ root })\` chooses another), the one that \`krun\` on the command line works on as well.

${example('run.mjs')}

Every option has its documentation in the types. All paths may be relative to the program's working directory.

| | |
|---|---|
| \`run(options)\` | make a container and start it; resolves when its process runs: \`{ id, pid, stdin, stdout, stderr, wait(), kill(signal) }\` |
| \`create(options)\`, \`start(id)\` | the same in two steps; a created container outlives the program: \`{ id, pid, stdin, …, start(), wait(), kill(), delete() }\` |
| \`exec(id, options)\` | one more process in a container, as \`run\` has it |
| \`state(id)\`, \`list()\`, \`processes(id)\`, \`stats(id)\` | look at containers: these read and start nothing |
| \`kill(id, signal)\`, \`pause(id)\`, \`resume(id)\`, \`update(id, resources)\`, \`delete(id, { force })\` | change and remove them |
| \`wait(id, { signal })\` | how a container ended: \`{ exitCode, signal, status }\`; \`null\` if another program has made it |
| \`events(id, { interval, signal })\` | an async iterator of statistics and out-of-memory kills, until the container has ended |
| \`gc(id)\` | remove what crashes have left behind |
| \`close()\` | end what the instance attends to; \`await using\` does the same |

What to run is a bundle, \`run({ bundle })\`; a root file system, \`run({ rootfs, args })\`, with the configuration that \`krun spec\` writes; or
any configuration as an object, \`run({ rootfs, config })\` and \`run({ bundle, config })\`: what config.json would hold, typed, where plain
numbers will do for 64-bit ones. It is checked as config.json is.

## Streams

Each of \`stdin\`, \`stdout\` and \`stderr\` is \`pipe\` (the default of \`run\` and \`exec\`), \`inherit\` or \`ignore\` (the default of \`create\`).
Pipes are the kernel's: a container can open \`/dev/stdout\`, and waits when nobody reads. What it has written when it ends is kept for who
reads later. Terminals (\`process.terminal\`) work over both: the size is \`process.consoleSize\`, or that of an inherited terminal.

${example('streams.mjs')}

${example('inherit.mjs')}

## Lifetime

What \`run\` and \`exec\` start belongs to the instance. It is killed (SIGKILL) and cleared up when its handle or the instance goes out of an
\`await using\`, when its \`signal\` is aborted, and when the program ends, however it ends: by SIGKILL too. What \`create\` has made stays; its
exit status is known to \`wait\` as long as the instance that has made it. An instance at rest does not keep the program alive.

${example('lifecycle.mjs')}

${example('abort.mjs')}

Aborting \`run\` or \`create\` while the container is made undoes what has been made. Either way the call, or \`wait()\`, rejects with the
signal's reason when nothing is left.

## Errors

${example('errors.mjs')}

[ERRORS.md](ERRORS.md) lists the codes. \`E_USAGE\` is an option that does not exist or cannot be, \`E_LAUNCHER\` a helper that cannot be started
or was killed. What is odd but no failure (a property that the runtime-spec does not know, a poststop hook that failed) goes to
\`new Krun({ onWarning })\`, by default to \`process.emitWarning\`.

## Events

${example('events.mjs')}

## How it works, and what it costs

The program is the supervisor: it compiles plans itself. The first call starts one helper (\`krun launcher\`, static, below 1 MB); for each
further one that helper forks, which is cheap, where forking a large Node is dear. No Node is started, ever.

${example('many.mjs')}

Signals of a terminal (Ctrl-C) reach the program and its containers alike, as they reach any process group. The helper runs with the rights,
session, limits and cgroup that the program had at the first call. Not to be had here: \`--preserve-fds\`, a detached \`exec\`, the systemd cgroup
manager, changing the size of a terminal behind pipes.
`;
}

function example(name: string): string {
  const text = readFileSync(new URL(`../examples/${name}`, import.meta.url), 'utf8');
  return `[examples/${name}](../examples/${name}):\n\n\`\`\`js\n${text}\`\`\``;
}
