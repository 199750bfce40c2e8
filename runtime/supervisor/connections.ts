// The connections of a resident supervisor: a call in, a reply out, closed. Nearly all are over at once; what is not is bounded in
// number, in bytes and in time, so that nobody can keep others waiting.
import { closeSync } from 'node:fs';
import type { NativeSocket, Watch } from './native-socket.ts';
import { type Call, longestCall, readCall } from './read-call.ts';

export interface Peer {
  readonly pid: number;
  readonly uid: number;
}

/** null closes the connection without a word. */
export type Answerer = (call: Call, peer: Peer) => Promise<Uint8Array | null>;

export interface Connections {
  /** Takes what waits at a listening socket. */
  accept(listening: number): void;
  /** How many wait for the other side. */
  waiting(): number;
  /** Resolves once every call that has been read is answered. */
  finished(): Promise<void>;
}

/** The longest that a connection may wait for the other side, in milliseconds: as long as a helper waits for us. */
const patience = 2000;
const mostWaiting = 256;
const mostBytesWaiting = 32 * 1024 * 1024;
/** How many are taken before the event loop sees to the others. */
const acceptedAtOnce = 16;

interface Connection {
  readonly descriptor: number;
  readonly peer: Peer;
  /** Of the call, then of the reply; the first `length` have been received, or sent. */
  bytes: Uint8Array;
  length: number;
  /** What it waits with, while it waits. */
  watch: Watch | null;
  timer: NodeJS.Timeout | null;
  /** In milliseconds of performance.now(); 0 until it has had to wait. */
  deadline: number;
}

export function makeConnections(socket: NativeSocket, answerer: Answerer): Connections {
  const waiting = new Set<Connection>();
  const peer = new Uint32Array(3);
  const shared = new Uint8Array(64 * 1024); // where a call that comes in one piece is read
  let bytesWaiting = 0;
  let answering = 0;
  let isFinishing = false;
  const finishing = Promise.withResolvers<void>();

  function accept(listening: number): void {
    for (let taken = 0; taken < acceptedAtOnce; taken++) {
      const descriptor = acceptNext(listening);
      if (descriptor < 0) return;
      const [pid = 0, uid = 0] = peer;
      receive({ descriptor, peer: { pid, uid }, bytes: shared, length: 0, watch: null, timer: null, deadline: 0 });
    }
  }

  // Without descriptors to spare (EMFILE) the unfinished have to go.
  function acceptNext(listening: number): number {
    try {
      return socket.accept(listening, peer);
    } catch {
      for (const connection of waiting) close(connection);
      return -1;
    }
  }

  function receive(connection: Connection): void {
    stopWaiting(connection);
    const count = socket.receive(connection.descriptor, connection.bytes, connection.length);
    connection.length += Math.max(count, 0);
    const call = count === 0 ? 'broken' : tryRead(connection);
    if (call === 'broken') close(connection);
    else if (call === null) waitForMore(connection);
    else void reply(connection, call);
  }

  function tryRead({ bytes, length }: Connection): Call | null | 'broken' {
    try {
      const call = readCall(bytes.subarray(0, length));
      return call === null || bytes !== shared ? call : { build: call.build, body: call.body.slice() };
    } catch {
      return 'broken';
    }
  }

  function waitForMore(connection: Connection): void {
    const { bytes, length } = connection;
    if (bytes === shared || length === bytes.length) {
      connection.bytes = new Uint8Array(Math.min(longestCall + 1, Math.max(4096, length * 2))); // one more, or none would be left to read
      connection.bytes.set(bytes.subarray(0, length));
    }
    wait(connection, 1, () => receive(connection));
  }

  async function reply(connection: Connection, call: Call): Promise<void> {
    answering++;
    const bytes = await answerer(call, connection.peer);
    answering--;
    if (bytes === null) close(connection);
    else transmit(Object.assign(connection, { bytes, length: 0 }));
    if (answering === 0 && isFinishing) finishing.resolve();
  }

  function transmit(connection: Connection): void {
    stopWaiting(connection);
    const count = socket.transmit(connection.descriptor, connection.bytes, connection.length);
    connection.length += Math.max(count, 0);
    if (count === 0 || connection.length === connection.bytes.length) close(connection);
    else wait(connection, 2, () => transmit(connection));
  }

  function wait(connection: Connection, events: 1 | 2, ready: () => void): void {
    const now = performance.now();
    connection.deadline ||= now + patience;
    connection.watch = socket.watch(connection.descriptor, events, ready);
    connection.timer = setTimeout(() => close(connection), connection.deadline - now);
    waiting.add(connection);
    bytesWaiting += connection.bytes.length;
    for (const oldest of waiting) {
      if (waiting.size <= mostWaiting && bytesWaiting <= mostBytesWaiting) return;
      if (oldest !== connection) close(oldest);
    }
  }

  function stopWaiting(connection: Connection): void {
    if (connection.watch === null) return;
    socket.unwatch(connection.watch);
    if (connection.timer !== null) clearTimeout(connection.timer);
    connection.watch = connection.timer = null;
    waiting.delete(connection);
    bytesWaiting -= connection.bytes.length;
  }

  function close(connection: Connection): void {
    stopWaiting(connection);
    closeSync(connection.descriptor);
  }

  return {
    accept,
    waiting: () => waiting.size,
    finished: () => {
      isFinishing = true;
      return answering === 0 ? Promise.resolve() : finishing.promise;
    },
  };
}
