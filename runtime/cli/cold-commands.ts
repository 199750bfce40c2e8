// The commands that are not on the way to a start, with yargs and all else that takes time to load: dist/cli.cjs is made of this file.
export { completion } from './commands/completion.ts';
export { doctor } from './commands/doctor.ts';
export { features } from './commands/features.ts';
export { help } from './commands/help.ts';
export { plan } from './commands/plan.ts';
export { spec } from './commands/spec.ts';
export { validate } from './commands/validate.ts';
export { version } from './commands/version.ts';
