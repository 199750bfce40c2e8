import test from 'ava';
import fc from 'fast-check';
import { compileDeviceProgram, implicitDeviceRules } from '../../runtime/cgroup/device-program.ts';
import type { DeviceRule } from '../../runtime/config/config.ts';
import { type DeviceAccess, simulateDeviceProgram } from '../support/ebpf-simulator.ts';

const block = 1;
const character = 2;
const make = 1;
const read = 2;
const write = 4;
const any: DeviceRule = { allow: true, access: 'rwm' };

test('without rules everything is denied but the implicit list', (t) => {
  const program = compileDeviceProgram([]);
  const allowed = (type: number, major: number, minor: number, access: number) =>
    simulateDeviceProgram(program, { type, major, minor, access });
  for (const [major, minor] of [
    [1, 3],
    [1, 5],
    [1, 7],
    [1, 8],
    [1, 9],
    [5, 0],
    [5, 2],
    [136, 0],
    [136, 99],
    [10, 200],
  ] as const)
    t.true(allowed(character, major, minor, read | write | make), `c ${major}:${minor}`);
  for (const [type, major, minor] of [
    [character, 1, 1],
    [character, 1, 2],
    [character, 5, 1],
    [block, 8, 0],
    [block, 1, 3],
  ] as const) {
    t.false(allowed(type, major, minor, read), `${type} ${major}:${minor} read`);
    t.false(allowed(type, major, minor, write | make));
    t.true(allowed(type, major, minor, make), 'a node alone opens nothing');
  }
});

test('the last rule that covers an access decides it, access by access', (t) => {
  const rules: DeviceRule[] = [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'b', major: 8, access: 'rw' },
    { allow: false, type: 'b', major: 8, minor: 1, access: 'w' },
  ];
  const allowed = (minor: number, access: number) =>
    simulateDeviceProgram(compileDeviceProgram(rules, []), { type: block, major: 8, minor, access });
  t.true(allowed(0, read | write));
  t.false(allowed(0, make));
  t.true(allowed(1, read));
  t.false(allowed(1, write));
  t.false(allowed(1, read | write), 'one denied access denies the whole');
});

test('-1 stands for all numbers, and type a for both types', (t) => {
  const program = compileDeviceProgram([{ allow: true, type: 'a', major: -1, minor: 7, access: 'r' }], []);
  for (const type of [block, character]) {
    t.true(simulateDeviceProgram(program, { type, major: 4000, minor: 7, access: read }));
    t.false(simulateDeviceProgram(program, { type, major: 4000, minor: 8, access: read }));
  }
});

test('user rules cannot deny the implicit list', (t) => {
  const program = compileDeviceProgram([any, { allow: false, access: 'rwm' }]);
  t.true(simulateDeviceProgram(program, { type: character, major: 1, minor: 3, access: read | write }));
});

test('what comes before a rule that decides everything is left out', (t) => {
  const rules: DeviceRule[] = [
    { allow: true, type: 'c', major: 1, minor: 1, access: 'r' },
    { allow: false, access: 'rwm' },
  ];
  t.deepEqual(compileDeviceProgram(rules, []), compileDeviceProgram([{ allow: false, access: 'rwm' }], []));
  t.is(compileDeviceProgram([any], []).length, 8 * 8);
});

const rules: fc.Arbitrary<DeviceRule[]> = fc.array(
  fc.record(
    {
      allow: fc.boolean(),
      type: fc.constantFrom('a', 'b', 'c'),
      major: fc.constantFrom(-1, 0, 1, 8, 0xfff),
      minor: fc.constantFrom(-1, 0, 1, 0xf_ffff),
      access: fc.constantFrom('r', 'w', 'm', 'rw', 'rm', 'wm', 'rwm', 'mr'),
    },
    { requiredKeys: ['allow', 'access'] },
  ) as fc.Arbitrary<DeviceRule>,
  { maxLength: 12 },
);
const accesses: fc.Arbitrary<DeviceAccess> = fc.record({
  type: fc.constantFrom(block, character),
  access: fc.integer({ min: 1, max: 7 }),
  major: fc.constantFrom(0, 1, 2, 8, 0xfff),
  minor: fc.constantFrom(0, 1, 2, 0xf_ffff),
});

test('for any rules and any access the program says what the rules say', (t) => {
  fc.assert(
    fc.property(rules, fc.boolean(), fc.array(accesses, { minLength: 1, maxLength: 20 }), (list, useImplicit, wanted) => {
      const implicit = useImplicit ? implicitDeviceRules : [];
      const program = compileDeviceProgram(list, implicit);
      for (const access of wanted) {
        if (simulateDeviceProgram(program, access) !== evaluate([...list, ...implicit], access))
          throw new Error(`wrong for ${JSON.stringify(access)}`);
      }
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

// The rule as it is meant, without any cleverness: each single access is decided by the last rule that covers it.
function evaluate(list: readonly DeviceRule[], { type, access, major, minor }: DeviceAccess): boolean {
  const matches = (wanted: number | undefined, actual: number) => wanted === undefined || wanted === -1 || wanted === actual;
  const isType = (rule: DeviceRule) => rule.type === undefined || rule.type === 'a' || (rule.type === 'b') === (type === block);
  const letters = (['m', 'r', 'w'] as const).filter((_, bit) => (access & (1 << bit)) !== 0);
  return letters.every((letter) => {
    const covering = list.filter(
      (rule) => isType(rule) && matches(rule.major, major) && matches(rule.minor, minor) && rule.access.includes(letter),
    );
    return covering.at(-1)?.allow ?? false;
  });
}
