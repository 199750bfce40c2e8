// Runs an eBPF device program as the kernel would: the few instructions that runtime/cgroup/device-program.ts uses, nothing else.

/** struct bpf_cgroup_dev_ctx: type 1 is a block device, 2 a character device; access is 1 make, 2 read, 4 write, or a sum. */
export interface DeviceAccess {
  readonly type: number;
  readonly access: number;
  readonly major: number;
  readonly minor: number;
}

/** Whether the program allows it. Throws on what the verifier would not let through: other instructions, jumps back or out. */
export function simulateDeviceProgram(program: Uint8Array, { type, access, major, minor }: DeviceAccess): boolean {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const context = [((access << 16) | type) >>> 0, major, minor];
  const registers: (bigint | undefined)[] = new Array(11).fill(undefined);
  for (let at = 0; ; at++) {
    if (at * 8 >= program.length) throw new RangeError(`instruction ${at} is outside of the program`);
    const code = view.getUint8(at * 8);
    const destination = view.getUint8(at * 8 + 1) & 15;
    const source = view.getUint8(at * 8 + 1) >> 4;
    const offset = view.getInt16(at * 8 + 2, true);
    const immediate = BigInt.asUintN(64, BigInt(view.getInt32(at * 8 + 4, true)));
    const read = (register: number): bigint => {
      const value = registers[register];
      if (value === undefined) throw new RangeError(`instruction ${at} reads r${register}, which was never written`);
      return value;
    };
    const jump = (taken: boolean): number => {
      if (offset < 0) throw new RangeError(`instruction ${at} jumps back`);
      return taken ? offset : 0;
    };
    switch (code) {
      case 0x61: {
        const word = context[offset / 4];
        if (source !== 1 || registers[1] !== undefined || word === undefined) throw new RangeError(`instruction ${at} reads elsewhere`);
        registers[destination] = BigInt(word);
        break;
      }
      case 0xbf:
        registers[destination] = read(source);
        break;
      case 0xb7:
        registers[destination] = immediate;
        break;
      case 0x57:
        registers[destination] = read(destination) & immediate;
        break;
      case 0xa7:
        registers[destination] = read(destination) ^ immediate;
        break;
      case 0x4f:
        registers[destination] = read(destination) | read(source);
        break;
      case 0x77:
        registers[destination] = read(destination) >> immediate;
        break;
      case 0x15:
        at += jump(read(destination) === immediate);
        break;
      case 0x55:
        at += jump(read(destination) !== immediate);
        break;
      case 0x95:
        return read(0) !== 0n;
      default:
        throw new RangeError(`instruction ${at} has the code 0x${code.toString(16)}`);
    }
  }
}
