// Arguments that the kernel takes as int or unsigned int. It drops their high words, so a rule must too: compared as 64 bits,
// "ioctl with TIOCSTI is an error" and "socket of any family but AF_VSOCK is allowed" are passed by setting bit 32 of the argument
// (CVE-2019-7303). Here krun is stricter, and for allowed values laxer, than libseccomp. clone's flags are an unsigned long, of which
// the kernel uses the low word (kernel/fork.c).
const intArguments: Readonly<Record<string, readonly number[]>> = {
  arch_prctl: [0],
  bpf: [0],
  clock_adjtime: [0],
  clock_settime: [0],
  clone: [0],
  fcntl: [0, 1],
  fsconfig: [0, 1],
  futex: [1],
  getsockopt: [0, 1, 2],
  ioctl: [0, 1],
  keyctl: [0],
  memfd_create: [1],
  open: [1],
  openat: [0, 2],
  personality: [0],
  prctl: [0],
  quotactl: [0],
  reboot: [0, 1, 2],
  seccomp: [0, 1],
  setns: [0, 1],
  setsockopt: [0, 1, 2],
  socket: [0, 1, 2],
  socketpair: [0, 1, 2],
  syslog: [0],
};

/** Whether the kernel reads only the low 32 bits of this argument, on any machine. */
export function isIntArgument(syscall: string, argument: number): boolean {
  return intArguments[syscall]?.includes(argument) ?? false;
}
