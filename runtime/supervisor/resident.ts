// The resident home (`krun supervisor`): the same answers to the same requests, one process for all calls of a user. Whatever it cannot
// or will not answer it leaves by closing the connection: the helper then starts a supervisor of its own, as if there were none here.
// What the other side could do to us (it is the same user's: the socket is in a 0700 directory, and SO_PEERCRED is looked at):
//   be another user, or another process than it says     refused
//   be of another build                                  refused; if our own file has changed on disk, we leave
//   send half a call, or one that is too large           closed after a while, or at once; all that waits is bounded, the oldest goes first
//   not read the answer                                  closed after a while
//   name a file that makes its reader wait               not served
import { closeSync, lstatSync, openSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { keepFiles } from '../host/file-cache.ts';
import { keepMountTable } from '../host/mount-table.ts';
import { answer } from './answer.ts';
import { buildIdentity } from './build-identity.ts';
import { makeConnections, type Peer } from './connections.ts';
import type { Home } from './home.ts';
import type { NativeSocket } from './native-socket.ts';
import { NotServed } from './not-served.ts';
import { makePlanTemplates } from './plan-templates.ts';
import { type Call, claimedCaller } from './read-call.ts';
import type { ResidentSettings } from './resident-settings.ts';
import { makeServiceStatistics } from './service-statistics.ts';

export { answer, keepFiles, keepMountTable };

export interface ResidentParts {
  /** The file that this code comes from, and what it was before it was read. */
  readonly script: string;
  readonly status: Parameters<typeof buildIdentity>[0];
  readonly socket: NativeSocket;
  readonly settings: ResidentSettings;
}

/** Where the helper, or systemd, has put the listening socket (sd_listen_fds(3)). */
const listening = 3;

/** Runs until a signal, an upgrade or the lack of calls ends the process. */
export function serve({ script, status, socket, settings }: ResidentParts): void {
  const build = buildIdentity(status);
  const statistics = makeServiceStatistics();
  const home: Home = {
    status: () => ({ ...statistics.status(connections.waiting()), templateHits: templates.hits() }),
    serving: statistics.serving,
  };
  const templates = makePlanTemplates((body, serving) => answer(body, { ...home, serving }));
  const connections = makeConnections(socket, serveCall);
  const listener = socket.watch(listening, 1, () => connections.accept(listening));
  const inode = inodeOf(settings.socketPath);

  keepFiles(() => {
    throw new NotServed();
  });
  const mountTable = openSync('/proc/self/mountinfo', 'r');
  keepMountTable(() => socket.isChanged(mountTable));
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => leave(signal));
  if (settings.idleSeconds !== null) watchIdleness(settings.idleSeconds * 1000);

  async function serveCall(call: Call, peer: Peer): Promise<Uint8Array | null> {
    const began = performance.now();
    const reply = mayCall(call, peer) ? await answerUnlessLeft(call.body) : null;
    if (reply === null) statistics.refused();
    else statistics.answered(performance.now() - began);
    return reply;
  }

  function mayCall(call: Call, peer: Peer): boolean {
    const claimed = claimedCaller(call);
    if (peer.uid !== process.geteuid?.() || claimed.uid !== peer.uid || claimed.pid !== peer.pid) return false;
    if (call.build === build) return true;
    if (isOutdated(script, build)) setImmediate(leave, 'krun has been upgraded');
    return false;
  }

  async function answerUnlessLeft(body: Uint8Array): Promise<Uint8Array | null> {
    try {
      return fromTemplate(body) ?? (await workOut(body));
    } catch (error) {
      if (error instanceof NotServed) return null;
      throw error;
    }
  }

  function fromTemplate(body: Uint8Array): Uint8Array | null {
    const frame = templates.find(body);
    if (frame !== null) statistics.serving('run');
    return frame;
  }

  async function workOut(body: Uint8Array): Promise<Uint8Array> {
    const frame = await answer(body, home);
    templates.learn(body);
    return frame;
  }

  function watchIdleness(milliseconds: number): void {
    const left = milliseconds - statistics.idleFor();
    if (left <= 0) leave(`no call for ${milliseconds / 1000} seconds`);
    else setTimeout(watchIdleness, left, milliseconds);
  }

  // Who has connected and is not accepted yet is answered by a supervisor of its own, or by the next one that systemd starts.
  function leave(why: string): void {
    writeSync(2, `krun supervisor: leaving: ${why}\n`);
    socket.unwatch(listener);
    if (settings.socketPath !== null && inodeOf(settings.socketPath) === inode) unlinkSync(settings.socketPath);
    closeSync(listening);
    void connections.finished().then(() => process.exit(0));
  }
}

function isOutdated(script: string, build: string): boolean {
  const now = statSync(script, { bigint: true, throwIfNoEntry: false });
  return now === undefined || buildIdentity(now) !== build;
}

function inodeOf(path: string | null): bigint | undefined {
  return path === null ? undefined : lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}
