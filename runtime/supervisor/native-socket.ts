// dist/socket.node, made of native/socket.c.
export interface NativeSocket {
  /** Calls back whenever the descriptor is ready (1: to read, 2: to write), until unwatch. */
  watch(descriptor: number, events: number, callback: () => void): Watch;
  unwatch(watch: Watch): void;
  /** The next connection, and in `peer` its pid, uid and gid; -1 when none waits. */
  accept(descriptor: number, peer: Uint32Array): number;
  /** Bytes read from `offset` on; 0 when the other side has gone, -1 when there is nothing yet. */
  receive(descriptor: number, bytes: Uint8Array, offset: number): number;
  /** Bytes written; 0 when the other side has gone, -1 when it has to read first. */
  transmit(descriptor: number, bytes: Uint8Array, offset: number): number;
  /** Whether mounts have changed since an opened mountinfo was last asked. */
  isChanged(descriptor: number): boolean;
}

export type Watch = { readonly [brand]: true };
declare const brand: unique symbol;
