import test from 'ava';
import {
  attachProcess,
  type Conversation,
  setUnitProperties,
  startScope,
  startScopeWith,
  stopUnit,
  trySetUnitProperty,
} from '../../../runtime/cgroup/systemd/manager.ts';
import { type DecodedCall, decodeCalls, hasGlib } from '../../support/dbus.ts';
import { skipUnless } from '../../support/skip.ts';

const tasks = { name: 'TasksMax', type: 't', value: 5n };

const conversations: readonly [Conversation, ...unknown[]][] = [
  [
    startScope('a-b.scope', [{ name: 'Delegate', type: 'b', value: true }, tasks]),
    ['Hello', []],
    ['AddMatch', [match('a-b.scope')]],
    ['Subscribe', []],
    ['ResetFailedUnit', ['a-b.scope']],
    [
      'StartTransientUnit',
      [
        'a-b.scope',
        'replace',
        [
          ['Delegate', { type: 'b', value: true }],
          ['TasksMax', { type: 't', value: '5' }],
          ['PIDs', { type: 'au', value: ['0'] }],
        ],
        [],
      ],
    ],
  ],
  [
    setUnitProperties('a.scope', [tasks]),
    ['Hello', []],
    ['SetUnitProperties', ['a.scope', true, [['TasksMax', { type: 't', value: '5' }]]]],
    ['Ping', []],
  ],
  [stopUnit('a.scope'), ['Hello', []], ['AddMatch', [match('a.scope')]], ['Subscribe', []], ['StopUnit', ['a.scope', 'replace']]],
  [attachProcess('a.scope', '/b'), ['Hello', []], ['AttachProcessesToUnit', ['a.scope', '/b', ['0']]]],
];

for (const [conversation, ...expected] of conversations) {
  test(`${conversation.method} is one conversation, which GLib understands`, (t) => {
    if (skipUnless(t, 'python3-gi', hasGlib())) return;
    const [calls = []] = decodeCalls([conversation.messages]);
    t.deepEqual(
      calls.map(({ member, body }) => [member, body]),
      expected,
    );
    t.deepEqual(
      calls.map(({ serial }) => serial),
      calls.map((_, index) => index + 1),
    );
    t.is(conversation.serial, calls.length, 'it waits for the reply to the last one');
    t.true(calls.every(isAddressed));
  });
}

test('the job of a start and of a stop is waited for; nothing else has one', (t) => {
  t.deepEqual(
    conversations.map(([{ method, awaitJob }]) => [method, awaitJob]),
    [
      ['StartTransientUnit', true],
      ['SetUnitProperties', false],
      ['StopUnit', true],
      ['AttachProcessesToUnit', false],
    ],
  );
});

test('an older systemd is asked once more without what it does not know; a newer one has the unit by then', (t) => {
  const [first, second, ...rest] = startScopeWith('a.scope', [tasks], []);
  t.deepEqual(rest, []);
  t.deepEqual(first?.messages, startScope('a.scope', [tasks]).messages);
  t.deepEqual(second?.messages, startScope('a.scope', []).messages);
  t.true(first?.tolerated.includes('org.freedesktop.DBus.Error.PropertyReadOnly'));
  t.false(first?.tolerated.includes('org.freedesktop.systemd1.UnitExists'), "another's unit is no success");
  t.true(second?.tolerated.includes('org.freedesktop.systemd1.UnitExists'));
  t.deepEqual(startScopeWith('a.scope', [], [tasks]), [startScope('a.scope', [tasks])]);
});

test('what an older systemd does not know is tolerated only for the properties that may be left to the files', (t) => {
  t.deepEqual(setUnitProperties('a.scope', [tasks]).tolerated, []);
  t.deepEqual(trySetUnitProperty('a.scope', tasks).tolerated, [
    'org.freedesktop.DBus.Error.PropertyReadOnly',
    'org.freedesktop.DBus.Error.InvalidArgs',
  ]);
});

test('the pid of a start and of a move has its place in the messages, the others have none', (t) => {
  for (const [{ method, messages, pidAt }] of conversations) {
    t.is(pidAt > 0, ['StartTransientUnit', 'AttachProcessesToUnit'].includes(method), method);
    if (pidAt > 0) t.deepEqual([...messages.subarray(pidAt, pidAt + 4)], [0, 0, 0, 0]);
    if (pidAt > 0) t.deepEqual([...messages.subarray(pidAt - 4, pidAt)], [4, 0, 0, 0], 'an array of one');
  }
});

function match(unit: string): string {
  return `type='signal',sender='org.freedesktop.systemd1',path='/org/freedesktop/systemd1',interface='org.freedesktop.systemd1.Manager',member='JobRemoved',arg2='${unit}'`;
}

function isAddressed({ destination, path, interface: of }: DecodedCall): boolean {
  if (destination === 'org.freedesktop.DBus') return path === '/org/freedesktop/DBus' && of === 'org.freedesktop.DBus';
  return destination === 'org.freedesktop.systemd1' && path === '/org/freedesktop/systemd1';
}
