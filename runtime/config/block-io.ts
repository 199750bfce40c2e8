import { largestMajor, largestMinor } from './devices.ts';
import type { Report } from './problem.ts';
import { array, type Draft, type Infer, integer, object, refine, uint16, uint64 } from './schema.ts';

const major = integer(0, largestMajor);
const minor = integer(0, largestMinor);

const weightDevice = refine(object({ major, minor }, { weight: uint16, leafWeight: uint16 }), (draft, report) => {
  if (draft.weight === undefined && draft.leafWeight === undefined) report.error([], 'must have weight or leafWeight');
  reportWeights(draft, report);
});

/** Bytes or operations a second. */
const throttleDevice = object({ major, minor, rate: uint64 }, {});

/** config-linux.md#block-io, as far as cgroup v2 has it. */
export const blockIo = refine(
  object(
    {},
    {
      weight: uint16,
      leafWeight: uint16,
      weightDevice: array(weightDevice),
      throttleReadBpsDevice: array(throttleDevice),
      throttleWriteBpsDevice: array(throttleDevice),
      throttleReadIOPSDevice: array(throttleDevice),
      throttleWriteIOPSDevice: array(throttleDevice),
    },
  ),
  reportWeights,
);

export type BlockIo = Infer<typeof blockIo>;
export type WeightDevice = Infer<typeof weightDevice>;
export type ThrottleDevice = Infer<typeof throttleDevice>;

// docker writes a weight of 0 for "not set".
function reportWeights({ weight = 0, leafWeight = 0 }: Draft<{ weight: number; leafWeight: number }>, report: Report): void {
  if (weight !== 0 && (weight < 10 || weight > 1000)) report.error(['weight'], `must be from 10 to 1000, or 0 for none, not ${weight}`);
  if (leafWeight !== 0) report.error(['leafWeight'], 'must be left out: cgroup v2 has no weight for leaves');
}
