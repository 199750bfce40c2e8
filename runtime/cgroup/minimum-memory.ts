/**
 * The least memory limit that a container can start with, in bytes. Measured on x86_64 with busybox in five namespaces: 440 KiB for
 * container and helper together, 300 of them the kernel's, 60 anonymous.
 */
export const minimumMemory = 512n * 1024n;
