// The image commands are a Node program of their own, dist/images.cjs: it needs sockets, streams and time, which a supervisor has not.
import { join } from 'node:path';
import { installation } from '../../supervisor/service.ts';
import type { CommandHandler } from '../handle.ts';

/** The helper becomes that program: with the caller's arguments, directory, rights and descriptors. */
export const becomeImages: CommandHandler = (caller) => {
  const dist = installation();
  return [
    {
      op: 'becomeProgram',
      pointer: '',
      path: join(dist, 'node'),
      arguments: ['krun', ...nodeOptions, join(dist, 'images.cjs'), ...caller.argv],
      environment: [...caller.env].filter(([name]) => !steersNode(name)).map(([name, value]) => `${name}=${value}`),
      third: null,
      fourth: null,
    },
  ];
};

// The host's certificates count, as they do for its other programs. execve and sqlite are experimental in this Node, and warn.
const nodeOptions = ['--use-system-ca', '--no-global-search-paths', '--disable-warning=ExperimentalWarning'];

// What an environment can make Node load (CVE-2025-23266 and its kin); more certificates are no code.
function steersNode(name: string): boolean {
  return name.startsWith('NODE_') && name !== 'NODE_EXTRA_CA_CERTS';
}
