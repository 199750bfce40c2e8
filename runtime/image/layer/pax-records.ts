// Extended headers (POSIX.1-2024 pax, "pax Extended Header"): "length key=value\n", where value is bytes, NULs and newlines among them.
import { KrunError } from '../../errors/krun-error.ts';
import { hint } from './tar-header.ts';

/** Key and value; keys may stand more than once. */
export type PaxRecord = readonly [key: string, value: Buffer];

/** All records of an extended header, in its order. E_LAYER if it is damaged. */
export function readPaxRecords(bytes: Buffer): readonly PaxRecord[] {
  const records: PaxRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(32, at);
    const digits = space < 0 ? '' : bytes.toString('latin1', at, Math.min(space, at + 16));
    const end = /^[1-9][0-9]*$/.test(digits) ? at + Number(digits) : Number.NaN;
    if (!(end > space + 1 && end <= bytes.length) || bytes[end - 1] !== 10) throw damaged();
    const equals = bytes.indexOf(61, space + 1);
    if (equals <= space + 1 || equals >= end) throw damaged();
    records.push([bytes.toString('latin1', space + 1, equals), bytes.subarray(equals + 1, end - 1)]);
    at = end;
  }
  return records;
}

/** One record, with the length that includes itself. */
export function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), value, Buffer.from('\n')]);
  let length = rest.length + String(rest.length).length;
  if (String(length).length !== String(rest.length).length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** A decimal number such as a size. E_LAYER if it is none. */
export function paxInteger(key: string, value: Buffer): number {
  const digits = value.toString('latin1');
  const integer = /^-?[0-9]+$/.test(digits) ? Number(digits) : Number.NaN;
  if (!Number.isSafeInteger(integer))
    throw new KrunError('E_LAYER', `the archive is damaged: ${key} of an extended header is no number`, { hint });
  return integer;
}

/** Seconds since 1970 with any number of decimals; what is finer than a nanosecond is cut off. */
export function paxTime(key: string, value: Buffer): { readonly seconds: number; readonly nanoseconds: number } {
  const [, sign, whole, decimals = ''] = /^(-?)([0-9]+)(?:\.([0-9]*))?$/.exec(value.toString('latin1')) ?? [];
  if (whole === undefined || !Number.isSafeInteger(Number(whole)))
    throw new KrunError('E_LAYER', `the archive is damaged: ${key} of an extended header is no time`, { hint });
  const nanoseconds = Number(decimals.padEnd(9, '0').slice(0, 9));
  if (sign === '') return { seconds: Number(whole), nanoseconds };
  return nanoseconds === 0 ? { seconds: -Number(whole), nanoseconds } : { seconds: -Number(whole) - 1, nanoseconds: 1e9 - nanoseconds };
}

function damaged(): KrunError {
  return new KrunError('E_LAYER', 'the archive is damaged: an extended header (pax) is not made of records', { hint });
}
