import { environment } from './process.ts';
import { absolutePath, array, type Infer, integer, object, string } from './schema.ts';

const hook = object({ path: absolutePath }, { args: array(string), env: environment, timeout: integer(1, 0x7fff_ffff) });

/** The stages of a container's life at which hooks run, in order. */
export const hookNames = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const;

/** config.md#posix-platform-hooks; timeouts in seconds. */
export const hooks = object(
  {},
  {
    prestart: array(hook),
    createRuntime: array(hook),
    createContainer: array(hook),
    startContainer: array(hook),
    poststart: array(hook),
    poststop: array(hook),
  },
);

export type Hook = Infer<typeof hook>;
export type Hooks = Infer<typeof hooks>;
