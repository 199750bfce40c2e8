// The annotations that runtimes know, and what krun makes of each. They reach config.json from people who may not choose what a container
// may do (CVE-2024-3154): one that names a file, a socket or a program of the host, or that could take a limit away, is never honoured.
import type { Config } from './config.ts';

export interface KnownAnnotation {
  /** With a * at its end, all that begin so. */
  readonly name: string;
  readonly honoured: boolean;
  /** What it does here, or why it does nothing. */
  readonly why: string;
}

const keepGroups = 'run.oci.keep_original_groups';
const contextType = 'run.oci.mount_context_type';

export const knownAnnotations: readonly KnownAnnotation[] = [
  {
    name: keepGroups,
    honoured: true,
    why: '1: the process keeps the supplementary groups of the caller (podman run --group-add keep-groups), if the configuration has none for it. Only where krun runs without privileges or in a user namespace: those groups are then of the user who asks, and not those of a daemon of root',
  },
  {
    name: contextType,
    honoured: true,
    why: 'context, fscontext, defcontext or rootcontext: the mount option by which new file systems get linux.mountLabel. The label is still that of the configuration',
  },
  {
    name: 'org.systemd.property.*',
    honoured: true,
    why: 'with --systemd-cgroup: After, Before, CollectMode, Description, KillSignal, RuntimeMaxUSec, SendSIGHUP and TimeoutStopUSec of the scope, in GVariant text (…Sec for …USec in seconds). All other properties are left out with a warning: they could lift limits, or act on the host',
  },
  { name: 'run.oci.hooks.stdout', honoured: false, why: 'names a file of the host' },
  { name: 'run.oci.hooks.stderr', honoured: false, why: 'names a file of the host' },
  { name: 'run.oci.pidfd_receiver', honoured: false, why: 'names a socket of the host: the caller has --pidfd-socket' },
  {
    name: 'run.oci.seccomp.receiver',
    honoured: false,
    why: 'names a socket of the host: the configuration has linux.seccomp.listenerPath',
  },
  { name: 'run.oci.seccomp_bpf_data', honoured: false, why: 'would replace the filter of the configuration' },
  { name: 'run.oci.seccomp.plugins', honoured: false, why: 'names libraries of the host' },
  {
    name: 'run.oci.seccomp_fail_unknown_syscall',
    honoured: false,
    why: 'system calls that no kernel knows are left out; krun validate tells them',
  },
  { name: 'run.oci.delegate-cgroup', honoured: false, why: 'would give the container a cgroup outside of its limits' },
  { name: 'run.oci.systemd.*', honoured: false, why: "where processes of a container are is the configuration's to say" },
  { name: 'run.oci.handler', honoured: false, why: 'there is one kind of container' },
  { name: 'org.criu.config', honoured: false, why: 'names a file of the host, which criu would read as root' },
  { name: 'org.opencontainers.image.*', honoured: false, why: 'is about the image: an engine that knows its stop signal gives it to kill' },
  { name: 'io.kubernetes.*', honoured: false, why: 'is for engines' },
  { name: 'krun.*', honoured: false, why: "is of crun's other personality of this name, which starts virtual machines" },
];

type Annotated = Pick<Config, 'annotations'>;

/** Whether the process keeps the caller's supplementary groups, if the caller may say so. */
export function keepsGroups({ annotations }: Annotated): boolean {
  return annotations?.[keepGroups] === '1';
}

/** The name of the mount option that takes linux.mountLabel. */
export function labelOption({ annotations }: Annotated): string {
  const asked = annotations?.[contextType];
  return labelOptions.find((name) => name === asked) ?? 'context';
}

const labelOptions = ['context', 'fscontext', 'defcontext', 'rootcontext'] as const;
