// The commands on running containers that engines seldom call: dist/control-commands.cjs, without the weight of yargs.
export { explainRun } from '../container/explain-run.ts';
export { becomeImages } from './commands/become-images.ts';
export { events } from './commands/events.ts';
export { pause } from './commands/pause.ts';
export { ps } from './commands/ps.ts';
export { resume } from './commands/resume.ts';
export { supervisor } from './commands/supervisor.ts';
export { update } from './commands/update.ts';
export { wait } from './commands/wait.ts';
