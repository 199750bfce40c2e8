// A client of kubernetes' Container Runtime Interface, runtime.v1.RuntimeService: as much of it as kubelet does with one pod.
// Field numbers: https://github.com/kubernetes/cri-api/blob/master/pkg/apis/runtime/v1/api.proto
import { encodeMessage, type ProtobufField } from '../../runtime/plan/protobuf.ts';
import { bytesIn, callGrpc, type Decoded, decodeMessage, numberIn } from './grpc.ts';

export interface PodSettings {
  readonly name: string;
  readonly logs: string;
  readonly cgroupParent: string;
  /** Without it the pod has a network of its own. */
  readonly hostNetwork?: boolean;
}

export interface ContainerSettings {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  /** In bytes. */
  readonly memory?: number;
}

export type CriContainerState = 'created' | 'running' | 'exited' | 'unknown';

export class CriClient {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  async runPod(pod: PodSettings): Promise<string> {
    const reply = await this.#call('RunPodSandbox', [[1, podConfig(pod)]]);
    return bytesIn(reply, 1).toString();
  }

  async createContainer(pod: string, settings: PodSettings, container: ContainerSettings): Promise<string> {
    const reply = await this.#call('CreateContainer', [
      [1, pod],
      [2, containerConfig(container)],
      [3, podConfig(settings)],
    ]);
    return bytesIn(reply, 1).toString();
  }

  async startContainer(id: string): Promise<void> {
    await this.#call('StartContainer', [[1, id]]);
  }

  async exec(id: string, command: readonly string[]): Promise<{ status: number; out: string; err: string }> {
    const reply = await this.#call('ExecSync', [[1, id], ...command.map((word): ProtobufField => [2, word]), [3, 240]]);
    return { status: numberIn(reply, 3), out: bytesIn(reply, 1).toString(), err: bytesIn(reply, 2).toString() };
  }

  async status(id: string): Promise<{ state: CriContainerState; exitCode: number }> {
    const status = decodeMessage(bytesIn(await this.#call('ContainerStatus', [[1, id]]), 1));
    const states = ['created', 'running', 'exited', 'unknown'] as const;
    return { state: states[numberIn(status, 3)] ?? 'unknown', exitCode: numberIn(status, 7) };
  }

  async limitMemory(id: string, bytes: number): Promise<void> {
    await this.#call('UpdateContainerResources', [
      [1, id],
      [2, encodeMessage([[4, bytes]])],
    ]);
  }

  /** The memory that a container works with, in bytes. */
  async workingSet(id: string): Promise<number> {
    const stats = decodeMessage(bytesIn(await this.#call('ContainerStats', [[1, id]]), 1));
    return numberIn(decodeMessage(bytesIn(decodeMessage(bytesIn(stats, 3)), 2)), 1);
  }

  async stopContainer(id: string, seconds: number): Promise<void> {
    await this.#call('StopContainer', [
      [1, id],
      [2, seconds],
    ]);
  }

  async removeContainer(id: string): Promise<void> {
    await this.#call('RemoveContainer', [[1, id]]);
  }

  async removePod(id: string): Promise<void> {
    await this.#call('StopPodSandbox', [[1, id]]);
    await this.#call('RemovePodSandbox', [[1, id]]);
  }

  async #call(method: string, fields: readonly ProtobufField[]): Promise<Decoded> {
    return decodeMessage(await callGrpc(this.#socket, `/runtime.v1.RuntimeService/${method}`, encodeMessage(fields)));
  }
}

function podConfig(pod: PodSettings): Uint8Array {
  const node = 2; // NamespaceMode
  const security = pod.hostNetwork === true ? encodeMessage([[1, encodeMessage([[1, node]])]]) : null;
  const metadata = encodeMessage([
    [1, pod.name],
    [2, `uid-${pod.name}`],
    [3, 'default'],
  ]);
  const linux = encodeMessage([
    [1, pod.cgroupParent],
    [2, security],
  ]);
  const names = encodeMessage([[1, '127.0.0.1']]); // else containerd copies /etc/resolv.conf, which the VM lacks
  return encodeMessage([
    [1, metadata],
    [2, pod.hostNetwork === true ? null : pod.name], // as kubelet: the host's name goes with its network
    [3, pod.logs],
    [4, names],
    [8, linux],
  ]);
}

function containerConfig(container: ContainerSettings): Uint8Array {
  const command = container.command.map((word): ProtobufField => [3, word]);
  const linux = encodeMessage([[1, encodeMessage([[4, container.memory]])]]);
  const image = encodeMessage([[1, container.image]]);
  return encodeMessage([[1, encodeMessage([[1, container.name]])], [2, image], ...command, [11, `${container.name}.log`], [15, linux]]);
}
