// The two that need criu: dist/checkpoint-commands.cjs, loaded when they are asked for.
export { checkpoint } from './commands/checkpoint.ts';
export { restore } from './commands/restore.ts';
