/**
 * The least memory limit that a container can start with, in bytes. Measured on x86_64 with busybox in five namespaces: 440 KiB for
 * container and helper together, 300 of them the kernel's, 60 anonymous. In the test VM (Linux 6.12) 320 KiB were enough each time,
 * 256 KiB four times of five, 128 KiB never: the kernel takes memory in lots for each CPU.
 */
export const minimumMemory = 512n * 1024n;
