// A containerd of the tests' own beside the machine's, which drives krun through its shim for runc.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { busyboxRoot, call, eventually, installed } from './engine.ts';

export interface Containerd {
  readonly address: string;
  /** Where the shim has krun keep the state of a namespace's containers. */
  readonly stateRoot: (namespace: string) => string;
  readonly stop: () => Promise<void>;
}

const image = 'krun.test/busybox:1';
const pauseImage = 'krun.test/pause:1';

/** Started, with both images in a namespace of containerd's. */
export async function startContainerd(namespace: string): Promise<Containerd> {
  const home = mkdtempSync('/var/tmp/krun-containerd-');
  const address = join(home, 'containerd.sock');
  mkdirSync(join(home, 'net.d'));
  writeFileSync(join(home, 'net.d/10-bridge.conflist'), network);
  writeFileSync(join(home, 'config.toml'), configuration(home, address));
  const daemon = execa('containerd', ['--config', join(home, 'config.toml')], { reject: false, buffer: false, stdio: 'ignore' });
  const stop = async () => {
    daemon.kill('SIGTERM');
    await daemon;
    try {
      rmSync(home, { recursive: true, force: true });
    } catch {} // a test that has failed leaves mounts there
  };
  const archive = join(home, 'images.tar');
  await writeImages(home, archive);
  await eventually('containerd answers', async () => (await call('ctr', ['--address', address, 'version'])).status === 0);
  await execa('ctr', ['--address', address, '--namespace', namespace, 'images', 'import', archive]);
  return { address, stateRoot: (name) => `/run/containerd/runc/${name}`, stop };
}

export { image, pauseImage };

// https://github.com/containerd/containerd/blob/release/1.7/docs/cri/config.md
function configuration(home: string, address: string): string {
  const cri = '[plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "${home}/root"
state = "${home}/state"
[grpc]
  address = "${address}"
[ttrpc]
  address = "${address}.ttrpc"
${cri}]
  sandbox_image = "${pauseImage}"
  disable_tcp_service = true
${cri}.cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "${home}/net.d"
${cri}.containerd]
  default_runtime_name = "krun"
${cri}.containerd.runtimes.krun]
  runtime_type = "io.containerd.runc.v2"
${cri}.containerd.runtimes.krun.options]
  BinaryName = "${installed}"
  SystemdCgroup = false
[plugins."io.containerd.internal.v1.opt"]
  path = "${home}/opt"
`;
}

const network = JSON.stringify({
  cniVersion: '0.4.0',
  name: 'krun-test',
  plugins: [
    { type: 'bridge', bridge: 'krun-test', isGateway: true, ipam: { type: 'host-local', ranges: [[{ subnet: '10.222.0.0/24' }]] } },
  ],
});

/** An archive as `docker save` makes it: one layer, two images (image-spec v1.2 of docker). */
async function writeImages(home: string, archive: string): Promise<void> {
  const { archive: layer } = await busyboxRoot();
  const content = join(home, 'images');
  mkdirSync(content);
  const digest = createHash('sha256').update(readFileSync(layer)).digest('hex');
  await execa('cp', [layer, join(content, 'layer.tar')]);
  const architecture = process.arch === 'x64' ? 'amd64' : 'arm64';
  const describe = (file: string, config: object) => {
    const rootfs = { type: 'layers', diff_ids: [`sha256:${digest}`] };
    writeFileSync(join(content, file), JSON.stringify({ architecture, os: 'linux', config, rootfs, history: [] }));
    return file;
  };
  const path = ['PATH=/bin'];
  const manifest = [
    { Config: describe('busybox.json', { Env: path, Cmd: ['sh'] }), RepoTags: [image], Layers: ['layer.tar'] },
    { Config: describe('pause.json', { Env: path, Entrypoint: ['sleep', '100000'] }), RepoTags: [pauseImage], Layers: ['layer.tar'] },
  ];
  writeFileSync(join(content, 'manifest.json'), JSON.stringify(manifest));
  await execa('tar', ['--create', '--file', archive, '--directory', content, '.']);
}
