import test from 'ava';
import type { Descriptor } from '../../runtime/image/descriptor.ts';
import { choosePlatform, formatPlatform, parsePlatform } from '../../runtime/image/platform.ts';

function entries(...platforms: readonly string[]): Descriptor[] {
  return platforms.map((text, index) => {
    const [os = '', architecture = '', variant] = text.split('/');
    const digest = `sha256:${String(index).padStart(64, '0')}` as const;
    return { mediaType: 'm', digest, size: 1, platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } };
  });
}

function chosen(wanted: string, ...platforms: readonly string[]): string {
  const { platform } = choosePlatform(entries(...platforms), parsePlatform(wanted));
  return platform === undefined ? '' : formatPlatform(platform);
}

test('the entry for the platform is chosen', (t) => {
  t.is(chosen('linux/arm64', 'linux/amd64', 'linux/arm64/v8', 'windows/arm64'), 'linux/arm64/v8');
  t.is(chosen('linux/amd64', 'windows/amd64', 'linux/amd64'), 'linux/amd64');
  t.is(chosen('linux/x86_64', 'linux/amd64'), 'linux/amd64');
});

test('what was made for a lesser processor will do, the nearest first', (t) => {
  t.is(chosen('linux/arm/v7', 'linux/arm/v5', 'linux/arm/v6'), 'linux/arm/v6');
  t.is(chosen('linux/amd64/v3', 'linux/amd64', 'linux/amd64/v2', 'linux/amd64/v4'), 'linux/amd64/v2');
});

test('what was made for a greater one will not', (t) => {
  t.throws(() => chosen('linux/arm/v6', 'linux/arm/v7'), { code: 'E_NO_IMAGE', message: /linux\/arm\/v6/ });
  t.throws(() => chosen('linux/amd64', 'linux/amd64/v3'), { code: 'E_NO_IMAGE' });
});

test('attestations are no images', (t) => {
  t.throws(() => chosen('linux/amd64', 'unknown/unknown'), { code: 'E_NO_IMAGE' });
});
