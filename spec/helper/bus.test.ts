// callBus against a bus of the test's own.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startScope } from '../../runtime/cgroup/systemd/manager.ts';
import type { OpOf, Plan } from '../../runtime/plan/ops.ts';
import { makeMessage } from '../support/bus-message.ts';
import { decodeCalls, hasGlib } from '../support/dbus.ts';
import { runPlan } from '../support/run-plan.ts';
import { skipUnless } from '../support/skip.ts';

const job = '/org/freedesktop/systemd1/job/7';
const reply = makeMessage({ type: 2, replyTo: 5, signature: 'o', strings: [job] });
const removed = (name: string, result: string) =>
  makeMessage({ type: 4, member: 'JobRemoved', signature: 'uoss', strings: [name, 'x.scope', result] });
const noise = makeMessage({ type: 4, member: 'NameAcquired', signature: 's', strings: [':1.5'] });

test('a call is over when its job is done, whatever else comes over the bus', async (t) => {
  const bus = await serve(t, [noise, reply, removed('/other', 'failed'), noise, removed(job, 'done')]);
  t.like(await runPlan([call(bus)]), { status: 0, failure: null });
});

test('the messages go out as they are, after an authentication without a name, with the pid in its place', async (t) => {
  if (skipUnless(t, 'python3-gi', hasGlib())) return;
  const bus = await serve(t, [reply, removed(job, 'done')]);
  const plan: Plan = [
    { op: 'startAnchor', pointer: '' },
    call(bus, { anchor: true, pidAt: scope.pidAt }),
    { op: 'endAnchor', pointer: '' },
  ];
  t.like(await runPlan(plan), { status: 0, failure: null });
  const greeting = '\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n';
  t.is(bus.received().subarray(0, greeting.length).toString('latin1'), greeting);
  const [calls = []] = decodeCalls([bus.received().subarray(greeting.length)]);
  t.is(calls.at(-1)?.member, 'StartTransientUnit');
  const properties = calls.at(-1)?.body[2] as [string, { value: [string] }][];
  const pid = Number(properties.find(([name]) => name === 'PIDs')?.[1].value[0]);
  t.true(pid > 1);
  t.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, 'the anchor has gone');
});

test('an error of systemd is told with its name and its words', async (t) => {
  const error = makeMessage({
    type: 3,
    replyTo: 5,
    error: 'org.freedesktop.systemd1.UnitExists',
    signature: 's',
    strings: ['Unit x.scope exists.'],
  });
  const { failure } = await runPlan([call(await serve(t, [error]))]);
  t.like(failure, {
    op: 'callBus',
    errno: EREMOTEIO,
    syscall: 'StartTransientUnit',
    path: 'x.scope',
    detail: 'error=org.freedesktop.systemd1.UnitExists said=Unit x.scope exists.',
  });
});

test('an error to a message before the one that counts is one as well, unless it is tolerated', async (t) => {
  const name = 'org.freedesktop.systemd1.NoSuchUnit';
  const error = makeMessage({ type: 3, replyTo: 4, error: name, signature: 's', strings: ['no'] });
  const answers = [error, reply, removed(job, 'done')];
  t.like((await runPlan([call(await serve(t, answers))])).failure, { errno: EREMOTEIO });
  t.like(await runPlan([call(await serve(t, answers), { tolerated: ['x', name] })]), { status: 0, failure: null });
});

test('a tolerated error to the message that counts is the end: there is no job', async (t) => {
  const error = makeMessage({ type: 3, replyTo: 5, error: 'org.x.Y', signature: '', strings: [] });
  t.like(await runPlan([call(await serve(t, [error]), { tolerated: ['org.x.Y'] })]), { status: 0, failure: null });
});

test('a job that does not end as it should fails', async (t) => {
  const { failure } = await runPlan([call(await serve(t, [reply, removed(job, 'timeout')]))]);
  t.like(failure, { errno: ECANCELED, detail: 'result=timeout' });
});

test('a bus that says nothing is waited for only so long', async (t) => {
  const { failure } = await runPlan([call(await serve(t, [reply]), { milliseconds: 1500 })]);
  t.like(failure, { errno: ETIMEDOUT, syscall: 'StartTransientUnit' });
});

test('a bus that goes, or that talks nonsense, fails', async (t) => {
  t.like((await runPlan([call(await serve(t, [reply], { hangsUp: true }))])).failure, { errno: ECONNRESET });
  for (const nonsense of broken())
    t.like((await runPlan([call(await serve(t, [nonsense], { hangsUp: true }))])).failure, { op: 'callBus' });
});

test('a bus that does not take us in is refused access to', async (t) => {
  const bus = await serve(t, [], { welcome: 'REJECTED EXTERNAL\r\n' });
  t.like((await runPlan([call(bus)])).failure, { syscall: 'connect', errno: EACCES });
});

test('of several sockets the first counts at which somebody listens', async (t) => {
  const bus = await serve(t, [reply, removed(job, 'done')]);
  t.like(await runPlan([call(bus, { sockets: ['/nonexistent', 'x'.repeat(200), bus.path] })]), { status: 0, failure: null });
});

test('where nobody listens it is an error, unless there may be nobody', async (t) => {
  const nobody = { path: '/nonexistent/bus' };
  t.like((await runPlan([call(nobody)])).failure, { syscall: 'connect', path: '/nonexistent/bus', errno: ENOENT });
  t.like(await runPlan([call(nobody, { orGone: true })]), { status: 0, failure: null });
});

test('a reply that is far too long is read to its end, and what follows understood', async (t) => {
  const long = makeMessage({ type: 4, member: 'Long', signature: 's', strings: ['x'.repeat(100_000)] });
  const bus = await serve(t, [long, reply, long, removed(job, 'done')]);
  t.like(await runPlan([call(bus)]), { status: 0, failure: null });
});

const scope = startScope('x.scope', []);
const [ENOENT, EACCES, ECONNRESET, ETIMEDOUT, EREMOTEIO, ECANCELED] = [2, 13, 104, 110, 121, 125];

function call(bus: { readonly path: string }, others: Partial<OpOf<'callBus'>> = {}): OpOf<'callBus'> {
  return {
    op: 'callBus',
    pointer: '',
    sockets: [bus.path],
    ...scope,
    tolerated: [],
    pidAt: 0,
    anchor: false,
    orGone: false,
    milliseconds: 5000,
    ...others,
  };
}

// A header of another byte order, one without an end, a field that ends beyond the header, a string without its end.
function broken(): Uint8Array[] {
  const change = (at: number, ...bytes: number[]) => {
    const copy = Uint8Array.from(reply);
    copy.set(bytes, at);
    return copy;
  };
  return [
    change(0, 0x42),
    change(12, 0xff, 0xff, 0xff, 0x7f),
    change(12, 3, 0, 0, 0),
    change(20, 0xff, 0xff),
    new Uint8Array(40).fill(0x6c),
  ];
}

interface Bus {
  readonly path: string;
  readonly received: () => Buffer;
}

interface BusOptions {
  readonly welcome?: string;
  /** After the answers. */
  readonly hangsUp?: boolean;
}

// Answers as soon as the first byte has come: the helper asks for no more.
async function serve(t: ExecutionContext, answers: readonly Uint8Array[], { welcome, hangsUp = false }: BusOptions = {}): Promise<Bus> {
  const directory = mkdtempSync(join(tmpdir(), 'krun-bus-'));
  const path = join(directory, 'bus');
  const chunks: Buffer[] = [];
  const server = createServer((socket: Socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => {
      socket.write(welcome ?? 'DATA\r\nOK 0123456789abcdef\r\n');
      for (const answer of answers) socket.write(answer);
      if (hangsUp) socket.end();
    });
    socket.on('data', (data: Buffer) => chunks.push(data));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });
  return { path, received: () => Buffer.concat(chunks) };
}
