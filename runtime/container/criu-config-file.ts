import { existsSync } from 'node:fs';

/**
 * What criu reads besides the request, which it outweighs. runc also takes it from the annotation org.criu.config; here annotations choose no
 * files of the host, as such a file can name programs that criu runs.
 */
export function criuConfigFile(): string | null {
  return ['/etc/criu/krun.conf', '/etc/criu/runc.conf'].find((path) => existsSync(path)) ?? null;
}
