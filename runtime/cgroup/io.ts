import type { BlockIo, ThrottleDevice } from '../config/config.ts';
import { type Setting, setting } from './setting.ts';

/** linux.resources.blockIO; `ioWeightFiles` is looked at only when a weight is given. */
export function ioSettings(io: BlockIo, host: { readonly ioWeightFiles: readonly string[] }): Setting[] {
  return [
    ...weightSettings(io, host),
    ...throttle('rbps', 'throttleReadBpsDevice', io.throttleReadBpsDevice),
    ...throttle('wbps', 'throttleWriteBpsDevice', io.throttleWriteBpsDevice),
    ...throttle('riops', 'throttleReadIOPSDevice', io.throttleReadIOPSDevice),
    ...throttle('wiops', 'throttleWriteIOPSDevice', io.throttleWriteIOPSDevice),
  ];
}

/** A weight of v1 (10 to 1000) on the scale of io.weight (1 to 10000). */
export function toIoWeight(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

// bfq takes the runtime-spec's scale; without it there is the cost model's file, of another scale. 0 stands for none.
function weightSettings({ weight = 0, weightDevice = [] }: BlockIo, host: { readonly ioWeightFiles: readonly string[] }): Setting[] {
  if (weight === 0 && weightDevice.length === 0) return [];
  const isBfq = host.ioWeightFiles.includes('io.bfq.weight');
  const file = isBfq ? 'io.bfq.weight' : 'io.weight';
  const scale = (value: number): number => (isBfq ? value : toIoWeight(value));
  const settings = weight === 0 ? [] : [setting(file, scale(weight), '/blockIO/weight')];
  for (const [index, { major, minor, weight: ofDevice = 0 }] of weightDevice.entries())
    if (ofDevice !== 0) settings.push(setting(file, `${major}:${minor} ${scale(ofDevice)}`, `/blockIO/weightDevice/${index}`));
  return settings;
}

// What a line does not name keeps its value, hence a line for each. On v1 a rate of 0 takes a limit away.
function throttle(key: string, name: string, devices: readonly ThrottleDevice[] = []): Setting[] {
  return devices.map(({ major, minor, rate }, index) =>
    setting('io.max', `${major}:${minor} ${key}=${rate === 0n ? 'max' : rate}`, `/blockIO/${name}/${index}`),
  );
}
