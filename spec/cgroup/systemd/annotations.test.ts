import test from 'ava';
import { allowedProperties, annotatedProperties } from '../../../runtime/cgroup/systemd/annotations.ts';
import { knownAnnotations } from '../../../runtime/config/annotations.ts';

const prefix = 'org.systemd.property.';

const taken: readonly [name: string, text: string, property: { name: string; type: string; value: unknown }][] = [
  ['TimeoutStopUSec', 'uint64 5000000', { name: 'TimeoutStopUSec', type: 't', value: 5000000n }],
  ['TimeoutStopUSec', '5', { name: 'TimeoutStopUSec', type: 't', value: 5n }],
  ['TimeoutStopSec', '5', { name: 'TimeoutStopUSec', type: 't', value: 5000000n }],
  ['RuntimeMaxSec', 'uint64 60', { name: 'RuntimeMaxUSec', type: 't', value: 60000000n }],
  ['CollectMode', "'inactive'", { name: 'CollectMode', type: 's', value: 'inactive' }],
  ['Description', '"a container"', { name: 'Description', type: 's', value: 'a container' }],
  ['After', "['a.service', 'b.service']", { name: 'After', type: 'as', value: ['a.service', 'b.service'] }],
  ['Before', '[]', { name: 'Before', type: 'as', value: [] }],
  ['SendSIGHUP', 'true', { name: 'SendSIGHUP', type: 'b', value: true }],
  ['KillSignal', '3', { name: 'KillSignal', type: 'i', value: 3 }],
];

for (const [name, text, property] of taken) {
  test(`org.systemd.property.${name} of ${text} is taken`, (t) => {
    t.deepEqual(annotatedProperties({ [prefix + name]: text }), { properties: [property], ignored: [] } as never);
  });
}

const hostile = [
  'SuccessAction',
  'FailureAction',
  'JobTimeoutAction',
  'ExecStartPre',
  'MemoryMax',
  'TasksMax',
  'CPUQuotaPerSecUSec',
  'Delegate',
  'DeviceAllow',
  'DevicePolicy',
  'Slice',
  'PIDs',
  'KillMode',
  'SendSIGKILL',
  'User',
  'OnFailure',
  'Wants',
  'BindsTo',
  'constructor',
  '',
];

for (const name of hostile) {
  test(`org.systemd.property.${name} is left out: annotations raise no privilege (CVE-2024-3154)`, (t) => {
    t.deepEqual(annotatedProperties({ [prefix + name]: 'true' }), { properties: [], ignored: [prefix + name] });
    t.false(allowedProperties.includes(name));
  });
}

for (const [name, text] of [
  ['TimeoutStopUSec', "'5'"],
  ['TimeoutStopUSec', '-1'],
  ['TimeoutStopSec', '1e9'],
  ['CollectMode', 'inactive'],
  ['CollectMode', "'a', 'b'"],
  ['After', "'a.service'"],
  ['After', "['a.service', 5]"],
  ['SendSIGHUP', '1'],
  ['KillSignal', "'SIGINT'"],
] as const) {
  test(`org.systemd.property.${name} of ${text} is no value of its type`, (t) => {
    t.throws(() => annotatedProperties({ [prefix + name]: text }), { code: 'E_CONFIG', message: new RegExp(name) });
  });
}

test('the documentation names every property that is taken', (t) => {
  const why = knownAnnotations.find(({ name }) => name === `${prefix}*`)?.why ?? '';
  for (const name of allowedProperties) t.true(why.includes(name), name);
});

test('other annotations, and none, are nothing to systemd', (t) => {
  t.deepEqual(annotatedProperties({ 'org.example': 'x', 'org.systemd.propertyX': '1' }), { properties: [], ignored: [] });
  t.deepEqual(annotatedProperties(undefined), { properties: [], ignored: [] });
});
