// Whose name is whose number: the image's own /etc/passwd and /etc/group, which may be anything. Read from the layers, topmost first,
// without following any link, and bounded. (An /etc that is opaque hides those below: such a one is not looked for.)
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { KrunError } from '../errors/krun-error.ts';

export interface ImageUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
}

/** `user`, `uid`, `user:group` and all mixes (image-spec conversion.md); '' is root. E_IMAGE when a name has no number. */
export function resolveUser(text: string, layers: readonly string[]): ImageUser {
  const [, user = '', group] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  const passwd = () => entriesOf(readImageFile(layers, 'passwd'), 4);
  const groups = () => entriesOf(readImageFile(layers, 'group'), 3);
  const wanted = user === '' ? '0' : user;
  const isNumber = isId(wanted);
  const entry = passwd().find(([name, , uid]) => (isNumber ? uid === String(Number(wanted)) : name === wanted));
  if (!isNumber && entry === undefined) throw unknown('user', wanted, 'passwd');
  const uid = isNumber ? Number(wanted) : idOf(entry?.[2], 'passwd');
  if (group !== undefined && group !== '') return { uid, gid: groupId(group, groups), additionalGids: [] };
  const gid = entry === undefined ? 0 : idOf(entry[3], 'passwd');
  const name = entry?.[0];
  const member = name === undefined ? [] : groups().filter(([, , , members = '']) => members.split(',').includes(name));
  return {
    uid,
    gid,
    additionalGids: [...new Set(member.map(([, , id]) => idOf(id, 'group')))].filter((id) => id !== gid).slice(0, mostGroups),
  };
}

const largestFile = 1024 * 1024;
const mostGroups = 1000;

function groupId(text: string, groups: () => readonly (readonly string[])[]): number {
  if (isId(text)) return Number(text);
  const entry = groups().find(([name]) => name === text);
  if (entry === undefined) throw unknown('group', text, 'group');
  return idOf(entry[2], 'group');
}

function isId(text: string): boolean {
  return /^\d{1,10}$/.test(text) && Number(text) < 0xffff_ffff;
}

function idOf(text: string | undefined, file: string): number {
  if (text !== undefined && isId(text)) return Number(text);
  throw new KrunError('E_IMAGE', `the image's /etc/${file} has an entry without a number`, {
    hint: 'name the user by number: --user UID:GID',
  });
}

function entriesOf(text: string, least: number): readonly (readonly string[])[] {
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= least);
}

function readImageFile(layers: readonly string[], name: string): string {
  for (const layer of [...layers].reverse()) {
    const etc = lstatSync(join(layer, 'etc'), { throwIfNoEntry: false });
    if (etc === undefined) continue;
    if (etc.isCharacterDevice()) return ''; // a whiteout
    if (!etc.isDirectory()) throw notPlain('/etc');
    const path = join(layer, 'etc', name);
    const file = lstatSync(path, { throwIfNoEntry: false });
    if (file === undefined) continue;
    if (file.isCharacterDevice()) return '';
    if (!file.isFile()) throw notPlain(`/etc/${name}`);
    return readBounded(path, name);
  }
  return '';
}

function readBounded(path: string, name: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile()) throw notPlain(`/etc/${name}`);
    const buffer = Buffer.alloc(largestFile);
    let length = 0;
    for (let count = -1; count !== 0 && length < largestFile; length += count)
      count = readSync(file, buffer, length, largestFile - length, length);
    return buffer.toString('latin1', 0, length);
  } finally {
    closeSync(file);
  }
}

function notPlain(path: string): KrunError {
  return new KrunError('E_IMAGE', `${path} of the image is a link, or no file or directory: no name is looked up in it`, {
    hint: 'name the user by number: --user UID:GID',
  });
}

function unknown(kind: string, name: string, file: string): KrunError {
  return new KrunError('E_IMAGE', `there is no ${kind} ${JSON.stringify(name)} in the image's /etc/${file}`, {
    hint: 'name another, or one by number: --user UID:GID',
  });
}
