// socketcall(2) and ipc(2): on 32-bit x86 one number for many calls, told apart by the first argument (linux/net.h, linux/ipc.h).
// A rule for socket() must hold for socketcall(SYS_SOCKET, …) as well, or programs of older C libraries pass by it.

export interface Multiplexed {
  readonly syscall: 'socketcall' | 'ipc';
  readonly call: bigint;
  /** Bits of the first argument that name the call: ipc(2) has a version in its high half, which the kernel cuts off. */
  readonly mask: bigint;
}

const socketCalls =
  'socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg'.split(
    ' ',
  );
const ipcCalls: Readonly<Record<string, number>> = {
  semop: 1,
  semget: 2,
  semctl: 3,
  semtimedop: 4,
  msgsnd: 11,
  msgrcv: 12,
  msgget: 13,
  msgctl: 14,
  shmat: 21,
  shmdt: 22,
  shmget: 23,
  shmctl: 24,
};

/** How a system call is also reached on 32-bit x86, if it is. */
export function multiplexed(name: string): Multiplexed | undefined {
  const socketCall = socketCalls.indexOf(name);
  if (socketCall >= 0) return { syscall: 'socketcall', call: BigInt(socketCall + 1), mask: 0xffffffffn };
  const ipcCall = ipcCalls[name];
  return ipcCall === undefined ? undefined : { syscall: 'ipc', call: BigInt(ipcCall), mask: 0xffffn };
}
