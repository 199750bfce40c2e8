// What is asked of criu: criu_req of its images/rpc.proto, whose numbers these are. They have not changed since criu 3.16.
import { encodeMessage, type ProtobufField } from './protobuf.ts';

export type CriuKind = 'dump' | 'pre-dump' | 'restore';
export type CgroupsMode = 'ignore' | 'soft' | 'full' | 'strict';
export type NetworkLock = 'iptables' | 'nftables' | 'skip';

export interface CriuRequest {
  readonly kind: CriuKind;
  /** Numbers of descriptors in the process that is criu. */
  readonly images: number;
  readonly work: number;
  /** A name in `work`. */
  readonly log: string;
  /** Host path: the root file system of what is dumped, or where the restored one is mounted. */
  readonly root: string;
  /** Of the process to dump. */
  readonly pid?: number;
  readonly options: CriuOptions;
  /** Dump: mount point → name in the images. Restore: that name → host path. */
  readonly mounts: readonly (readonly [key: string, value: string])[];
  /** Dump: file[…] and net[…] as criu(8) has them under --external. */
  readonly external?: readonly string[];
  /** Restore: what stands for those. */
  readonly inherited?: readonly { readonly key: string; readonly descriptor: number }[];
  /** Restore: other namespaces to join, by the names of /proc/PID/ns. */
  readonly joined?: readonly { readonly name: string; readonly path: string }[];
  /** Dump: the directory of the cgroup that keeps the processes still meanwhile. */
  readonly freezeCgroup?: string | null;
  /** Restore: the cgroup that stands for the dumped one, as /proc/PID/cgroup has it. */
  readonly cgroup?: string | null;
  /** Restore: hand the master of the container's terminal over. */
  readonly terminal?: boolean;
  readonly configFile: string | null;
}

/** What the command line says. */
export interface CriuOptions {
  readonly leaveRunning: boolean;
  readonly tcpEstablished: boolean;
  readonly tcpSkipInFlight: boolean;
  readonly tcpClose: boolean;
  readonly externalUnixSockets: boolean;
  readonly shellJob: boolean;
  readonly fileLocks: boolean;
  readonly linkRemap: boolean;
  readonly autoDedup: boolean;
  readonly lazyPages: boolean;
  /** A descriptor of the caller's; null: none. */
  readonly statusFd: number | null;
  readonly pageServer: { readonly address: string; readonly port: number } | null;
  /** CLONE_NEW* bits of namespaces whose content is left out. */
  readonly emptyNamespaces: number;
  readonly cgroupsMode: CgroupsMode;
  readonly networkLock: NetworkLock;
  /** Relative to the images. */
  readonly parentPath: string | null;
  readonly lsmProfile: string | null;
  readonly lsmMountContext: string | null;
}

export function encodeCriuRequest(request: CriuRequest): Uint8Array {
  return encodeMessage([
    [1, kinds[request.kind]],
    [2, encodeMessage(fieldsOf(request))],
  ]);
}

const kinds: Readonly<Record<CriuKind, number>> = { dump: 1, restore: 2, 'pre-dump': 13 };
const cgroupsModes: Readonly<Record<CgroupsMode, number>> = { ignore: 0, soft: 3, full: 4, strict: 5 };
const networkLocks: Readonly<Record<NetworkLock, number>> = { iptables: 1, nftables: 2, skip: 3 };

// criu_opts.
function fieldsOf(request: CriuRequest): ProtobufField[] {
  const { kind, options } = request;
  const { external = [], inherited = [], joined = [] } = request;
  return [
    [1, request.images],
    [2, request.pid],
    [3, options.leaveRunning],
    [4, options.externalUnixSockets],
    [5, options.tcpEstablished],
    [6, kind === 'restore'], // evasive_devices: the null device by any path that leads to it
    [7, options.shellJob],
    [8, options.fileLocks],
    [9, verbose],
    [10, request.log],
    [11, pageServer(options)],
    [12, true], // notify_scripts
    [13, request.root],
    [14, options.parentPath],
    [15, kind === 'pre-dump' || options.parentPath !== null], // track_mem
    [16, options.autoDedup],
    [17, request.work],
    [18, options.linkRemap],
    ...request.mounts.map(
      ([key, value]): ProtobufField => [
        23,
        encodeMessage([
          [1, key],
          [2, value],
        ]),
      ],
    ),
    [24, options.cgroupsMode !== 'ignore'],
    ...cgroupRoot(request),
    [26, kind === 'restore'], // rst_sibling: what is restored is a child of criu's parent
    ...inherited.map(
      ({ key, descriptor }): ProtobufField => [
        27,
        encodeMessage([
          [1, key],
          [2, descriptor],
        ]),
      ],
    ),
    [34, cgroupsModes[options.cgroupsMode]],
    ...external.map((each): ProtobufField => [37, each]),
    [38, options.emptyNamespaces === 0 ? null : options.emptyNamespaces],
    ...joined.map(
      ({ name, path }): ProtobufField => [
        39,
        encodeMessage([
          [1, name],
          [2, path],
        ]),
      ],
    ),
    [43, ''], // cgroup_dump_controller: cgroup v2 alone
    [44, request.freezeCgroup],
    [46, options.tcpSkipInFlight],
    [48, options.lazyPages],
    [49, options.statusFd],
    [50, request.terminal],
    [51, request.configFile],
    [52, options.tcpClose],
    [53, options.lsmProfile],
    [63, options.lsmMountContext],
    [64, networkLocks[options.networkLock]],
  ];
}

const verbose = 4;

function pageServer({ pageServer: server }: CriuOptions): Uint8Array | null {
  return server === null
    ? null
    : encodeMessage([
        [1, server.address],
        [2, server.port],
      ]);
}

// The controller without a name is cgroup v2.
function cgroupRoot({ cgroup }: CriuRequest): ProtobufField[] {
  return cgroup === null || cgroup === undefined
    ? []
    : [
        [
          25,
          encodeMessage([
            [1, ''],
            [2, cgroup],
          ]),
        ],
      ];
}
