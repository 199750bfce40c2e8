import { readFileSync, readlinkSync, statSync } from 'node:fs';

/** What a process has at 0, 1 and 2. */
export interface StandardDescriptor {
  /** As /proc/PID/fd shows it: a path, pipe:[1], socket:[2]; '' when it is closed. */
  readonly link: string;
  readonly mountId: number;
  readonly inode: number;
  /** A regular file, directory or device that is no terminal. */
  readonly isFile: boolean;
}

export function standardDescriptors(pid: number): StandardDescriptor[] {
  return [0, 1, 2].map((number) => readDescriptor(pid, number));
}

function readDescriptor(pid: number, number: number): StandardDescriptor {
  try {
    const path = `/proc/${pid}/fd/${number}`;
    const link = readlinkSync(path);
    const { ino, rdev } = statSync(path);
    const [, mountId = '-1'] = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${number}`, 'latin1')) ?? [];
    return { link, mountId: Number(mountId), inode: ino, isFile: link.startsWith('/') && !isTerminal(rdev) };
  } catch {
    return { link: '', mountId: -1, inode: 0, isFile: false };
  }
}

// Documentation/admin-guide/devices.txt: 4 and 5 are terminals and consoles, 136 to 143 the peers of pseudo-terminals.
function isTerminal(device: number): boolean {
  const major = (device >>> 8) & 0xfff;
  return major === 4 || major === 5 || (major >= 136 && major <= 143);
}
