import test from 'ava';
import { formatReference, parseReference } from '../../runtime/image/reference.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

const whole: Readonly<Record<string, string>> = {
  alpine: 'docker.io/library/alpine:latest',
  'alpine:3.20': 'docker.io/library/alpine:3.20',
  'team/app': 'docker.io/team/app:latest',
  'index.docker.io/team/app': 'docker.io/team/app:latest',
  'localhost/app': 'localhost/app:latest',
  'localhost:5000/app:1': 'localhost:5000/app:1',
  'registry.example/a/b/c__d-e.f': 'registry.example/a/b/c__d-e.f:latest',
  '[::1]:5000/app': '[::1]:5000/app:latest',
  [`app@${digest}`]: `docker.io/library/app@${digest}`,
  [`host.example/app:1@${digest}`]: `host.example/app:1@${digest}`,
};

for (const [text, name] of Object.entries(whole)) {
  test(`the name ${text} means ${name}`, (t) => {
    t.is(formatReference(parseReference(text)), name);
    t.is(formatReference(parseReference(name)), name);
  });
}

const wrong = [
  '',
  ':',
  '@',
  'App',
  'a//b',
  '/a',
  'a/',
  '../a',
  'a:',
  `a:${'x'.repeat(129)}`,
  'a:-b',
  'a@sha256:12',
  `a@${digest}0`,
  'a b',
  'a\0b',
  'host.example:99999999/a',
  `a/${'b'.repeat(300)}`,
  'a/../b',
  'a\n',
];

for (const text of wrong) {
  test(`${JSON.stringify(text.slice(0, 40))} is refused as a name`, (t) => {
    t.throws(() => parseReference(text), { code: 'E_REFERENCE' });
  });
}
