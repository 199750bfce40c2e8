import { remember } from '../config/remember.ts';
import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_RELATIME,
  MOUNT_ATTR_STRICTATIME,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from './constants/mount.ts';
import { splitData } from './mount-data.ts';

/** MOUNT_ATTR_* to set and to clear, as in struct mount_attr. */
export interface Attributes {
  readonly set: bigint;
  readonly clear: bigint;
}

export interface PropagationChange {
  /** MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE, or MS_SLAVE|MS_SHARED. */
  readonly type: number;
  readonly recursive: boolean;
}

/** What no table knows: "flag" or "key=value" for the file system, and which of the options it came from. */
export interface DataOption {
  readonly text: string;
  readonly index: number;
}

export interface MountOptions {
  readonly bind: boolean;
  /** rbind: with all that is mounted below the source. */
  readonly recursive: boolean;
  readonly remount: boolean;
  /** Of the mount itself, after the recursive ones. */
  readonly attributes: Attributes;
  /** Of the mount and all below it. */
  readonly recursiveAttributes: Attributes;
  /** Flags of the superblock that fsconfig(2) knows by these names: dirsync, lazytime, mand, sync. */
  readonly superblock: readonly string[];
  readonly iversion: boolean;
  readonly propagation: PropagationChange | null;
  readonly idmap: 'mount' | 'tree' | null;
  readonly copyUp: boolean;
  readonly data: readonly DataOption[];
}

/** The options of one mount, in order: of two opposites the later one holds. Never throws. */
export function parseMountOptions(options: readonly string[] = none): MountOptions {
  return parseOnce(options);
}

const none: readonly string[] = [];
const parseOnce = remember(parse);

function parse(options: readonly string[]): MountOptions {
  const draft: Draft = { ...emptyDraft(), superblock: new Set() };
  for (const [index, option] of options.entries()) {
    const apply = knownOptions.get(option);
    if (apply !== undefined) apply(draft);
    else draft.data.push(...splitData(option).map((text) => ({ text, index })));
  }
  return { ...draft, superblock: [...draft.superblock] };
}

/** What a new mount gets: the recursive attributes, then its own. */
export function attributesOfNewMount({ attributes, recursiveAttributes }: MountOptions): bigint {
  return (recursiveAttributes.set & ~attributes.clear) | attributes.set;
}

interface Draft extends Omit<Mutable<MountOptions>, 'superblock' | 'data' | 'attributes' | 'recursiveAttributes'> {
  readonly attributes: Mutable<Attributes>;
  readonly recursiveAttributes: Mutable<Attributes>;
  readonly superblock: Set<string>;
  readonly data: DataOption[];
}
type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };
type Apply = (draft: Draft) => void;

function emptyDraft(): Omit<Draft, 'superblock'> {
  return {
    bind: false,
    recursive: false,
    remount: false,
    attributes: { set: 0n, clear: 0n },
    recursiveAttributes: { set: 0n, clear: 0n },
    iversion: false,
    propagation: null,
    idmap: null,
    copyUp: false,
    data: [],
  };
}

// Options that change one bit: name → [attribute, whether it is set]. Each has a recursive twin with an "r" before it.
const attributeOptions: Readonly<Record<string, readonly [bigint, boolean]>> = {
  ro: [MOUNT_ATTR_RDONLY, true],
  rw: [MOUNT_ATTR_RDONLY, false],
  nosuid: [MOUNT_ATTR_NOSUID, true],
  suid: [MOUNT_ATTR_NOSUID, false],
  nodev: [MOUNT_ATTR_NODEV, true],
  dev: [MOUNT_ATTR_NODEV, false],
  noexec: [MOUNT_ATTR_NOEXEC, true],
  exec: [MOUNT_ATTR_NOEXEC, false],
  nodiratime: [MOUNT_ATTR_NODIRATIME, true],
  diratime: [MOUNT_ATTR_NODIRATIME, false],
  nosymfollow: [MOUNT_ATTR_NOSYMFOLLOW, true],
  symfollow: [MOUNT_ATTR_NOSYMFOLLOW, false],
};

// Options that choose among noatime, strictatime and relatime, the kernel's default: name → [choice, whether it is made or undone].
const accessTimeOptions: Readonly<Record<string, readonly [bigint, boolean]>> = {
  noatime: [MOUNT_ATTR_NOATIME, true],
  atime: [MOUNT_ATTR_NOATIME, false],
  strictatime: [MOUNT_ATTR_STRICTATIME, true],
  nostrictatime: [MOUNT_ATTR_STRICTATIME, false],
  relatime: [MOUNT_ATTR_RELATIME, true],
  norelatime: [MOUNT_ATTR_RELATIME, false],
};

const propagationOptions: Readonly<Record<string, number>> = {
  private: MS_PRIVATE,
  slave: MS_SLAVE,
  shared: MS_SHARED,
  unbindable: MS_UNBINDABLE,
};

// On a bind mount the superblock is the source's, and the kernel leaves it alone, as mount(2) does.
const superblockOptions: Readonly<Record<string, readonly [string, boolean]>> = {
  sync: ['sync', true],
  async: ['sync', false],
  dirsync: ['dirsync', true],
  lazytime: ['lazytime', true],
  nolazytime: ['lazytime', false],
  mand: ['mand', true],
  nomand: ['mand', false],
};

const otherOptions: Readonly<Record<string, Apply>> = {
  defaults: () => {},
  // They decide what the kernel logs about a mount; fsconfig(2) has no such choice, and what is mounted is the same.
  silent: () => {},
  loud: () => {},
  iversion: (draft) => {
    draft.iversion = true;
  },
  noiversion: (draft) => {
    draft.iversion = false;
  },
  bind: (draft) => {
    draft.bind = true;
  },
  rbind: (draft) => {
    draft.bind = true;
    draft.recursive = true;
  },
  remount: (draft) => {
    draft.remount = true;
  },
  idmap: (draft) => {
    draft.idmap ??= 'mount';
  },
  ridmap: (draft) => {
    draft.idmap = 'tree';
  },
  tmpcopyup: (draft) => {
    draft.copyUp = true;
  },
};

const knownOptions: ReadonlyMap<string, Apply> = new Map([
  ...Object.entries(otherOptions),
  ...Object.entries(superblockOptions).map(([name, [flag, isSet]]): [string, Apply] => [
    name,
    ({ superblock }) => (isSet ? superblock.add(flag) : superblock.delete(flag)),
  ]),
  ...Object.entries(propagationOptions).flatMap(([name, type]): [string, Apply][] => [
    [name, (draft) => changePropagation(draft, type, false)],
    [`r${name}`, (draft) => changePropagation(draft, type, true)],
  ]),
  ...Object.entries(attributeOptions).flatMap(([name, [attribute, isSet]]) =>
    withTwin(name, attribute, (at) => change(at, attribute, isSet)),
  ),
  ...Object.entries(accessTimeOptions).flatMap(([name, [choice, isMade]]) =>
    withTwin(name, MOUNT_ATTR__ATIME, (at) => (isMade ? choose(at, choice) : undo(at, choice))),
  ),
]);

/** Every option that krun gives a meaning of its own, for `features`; any other goes to the file system. */
export const mountOptions: readonly string[] = [...knownOptions.keys()].sort();

// The recursive twin also covers the mount itself, so it takes back what stood there before.
function withTwin(name: string, mask: bigint, apply: (attributes: Mutable<Attributes>) => void): [string, Apply][] {
  return [
    [name, ({ attributes }) => apply(attributes)],
    [
      `r${name}`,
      ({ attributes, recursiveAttributes }) => {
        attributes.set &= ~mask;
        attributes.clear &= ~mask;
        apply(recursiveAttributes);
      },
    ],
  ];
}

function change(attributes: Mutable<Attributes>, attribute: bigint, isSet: boolean): void {
  attributes.set = isSet ? attributes.set | attribute : attributes.set & ~attribute;
  attributes.clear = isSet ? attributes.clear & ~attribute : attributes.clear | attribute;
}

function choose(attributes: Mutable<Attributes>, choice: bigint): void {
  attributes.set = (attributes.set & ~MOUNT_ATTR__ATIME) | choice;
  attributes.clear |= MOUNT_ATTR__ATIME;
}

function undo(attributes: Mutable<Attributes>, choice: bigint): void {
  const isChosen = (attributes.clear & MOUNT_ATTR__ATIME) !== 0n;
  if (!isChosen || (attributes.set & MOUNT_ATTR__ATIME) === choice) choose(attributes, MOUNT_ATTR_RELATIME);
}

// A slave that is then shared is both: it has a master and peers of its own (mount_namespaces(7)).
function changePropagation(draft: Draft, type: number, recursive: boolean): void {
  const isShareOfSlave = type === MS_SHARED && draft.propagation !== null && (draft.propagation.type & MS_SLAVE) !== 0;
  draft.propagation = { type: isShareOfSlave ? MS_SLAVE | MS_SHARED : type, recursive };
}
