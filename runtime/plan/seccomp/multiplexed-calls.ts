// socketcall(2) and ipc(2): on 32-bit x86 one number for many calls, told apart by the first argument (linux/net.h, linux/ipc.h).
// A rule for socket() must hold for socketcall(SYS_SOCKET, …) as well, or programs of older C libraries pass by it.

import type { Comparison } from './comparison.ts';
import { parseNumbers } from './syscall-numbers.ts';

export interface Multiplexed {
  readonly syscall: 'socketcall' | 'ipc';
  /** Of the first argument, with the call's number. */
  readonly comparison: Comparison;
}

const socketCalls =
  '1 socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown setsockopt getsockopt ' +
  'sendmsg recvmsg accept4 recvmmsg sendmmsg';
const ipcCalls = '1 semop semget semctl semtimedop 11 msgsnd msgrcv msgget msgctl 21 shmat shmdt shmget shmctl';

let calls: ReadonlyMap<string, Multiplexed> | undefined;

/** How a system call is also reached on 32-bit x86, if it is. */
export function multiplexed(name: string): Multiplexed | undefined {
  calls ??= allCalls();
  return calls.get(name);
}

function allCalls(): ReadonlyMap<string, Multiplexed> {
  const all = new Map<string, Multiplexed>();
  for (const [name, call] of parseNumbers(socketCalls)) all.set(name, { syscall: 'socketcall', comparison: firstIs(call, 0xffffffff) });
  // ipc(2) has a version in the high half, which the kernel cuts off (ipc/syscall.c).
  for (const [name, call] of parseNumbers(ipcCalls)) all.set(name, { syscall: 'ipc', comparison: firstIs(call, 0xffff) });
  return all;
}

function firstIs(low: number, lowMask: number): Comparison {
  return { argument: 0, operator: 'SCMP_CMP_MASKED_EQ', high: 0, low, highMask: 0, lowMask };
}
