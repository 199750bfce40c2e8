import test from 'ava';
import { parseChallenges } from '../../runtime/registry/challenge.ts';

test('commas in quotes part nothing', (t) => {
  t.deepEqual(parseChallenges('Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push"'), [
    { scheme: 'bearer', parameters: { realm: 'https://auth.example/token', service: 'reg', scope: 'repository:a/b:pull,push' } },
  ]);
});

test('several challenges, tokens without quotes, escapes, and blanks about', (t) => {
  t.deepEqual(parseChallenges('Basic realm="a \\"b\\"" , Bearer realm = x,error="insufficient_scope"'), [
    { scheme: 'basic', parameters: { realm: 'a "b"' } },
    { scheme: 'bearer', parameters: { realm: 'x', error: 'insufficient_scope' } },
  ]);
});

test('what cannot be read is no challenge', (t) => {
  t.deepEqual(parseChallenges(''), []);
  t.deepEqual(parseChallenges('="'), []);
});
