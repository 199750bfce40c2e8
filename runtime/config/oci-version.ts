import { refine, type Schema, show, string } from './schema.ts';

/** config.md#specification-version: any 1.x, as the runtime-spec is compatible within a major version. */
export const ociVersion: Schema<string> = refine(string, (version, report) => {
  const major = majorOf(version);
  if (major === undefined) report.error([], `must be a semantic version such as 1.3.0, not ${show(version)}`);
  else if (major !== '1') report.error([], `must be 1.x: krun follows runtime-spec 1.3, not ${show(version)}`);
});

// https://semver.org, 2.0.0: numbers without leading zeros, -pre.release, +build; undefined if it is anything else.
// By hand as far as it goes: the first use of a regular expression costs a start some 0.1 ms.
function majorOf(version: string): string | undefined {
  const [release, build] = cut(version, '+');
  const [numbers, preRelease] = cut(release, '-');
  const parts = numbers.split('.');
  if (parts.length !== 3 || !parts.every(isNumeral)) return undefined;
  if (preRelease !== undefined && !preRelease.split('.').every((name) => isIdentifier(name) && !/^0\d+$/.test(name))) return undefined;
  if (build !== undefined && !build.split('.').every(isIdentifier)) return undefined;
  return parts[0];
}

function cut(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function isNumeral(text: string): boolean {
  return Number.isSafeInteger(Number(text)) && String(Number(text)) === text;
}

function isIdentifier(name: string): boolean {
  return /^[\dA-Za-z-]+$/.test(name);
}
