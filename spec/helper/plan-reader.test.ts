import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { encodePlan } from '../../runtime/channel/encode-plan.ts';
import { headerLength } from '../../runtime/channel/frame.ts';
import type { Plan } from '../../runtime/plan/ops.ts';
import { skipUnless } from '../support/skip.ts';

const run = promisify(execFile);
const project = fileURLToPath(new URL('../..', import.meta.url));

test('no body of a plan, however broken, makes the reader step outside of it', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'krun-fuzz-'));
  t.teardown(() => rm(directory, { recursive: true }));
  const target = join(directory, 'plan-reader');
  const built = await build(target);
  if (skipUnless(t, 'clang with libFuzzer', built)) return;
  await Promise.all(seeds.map((plan, index) => writeFile(join(directory, `seed-${index}`), encodePlan(plan).subarray(headerLength))));
  const { stderr } = await run(target, ['-seed=1', '-runs=200000', '-max_len=4096', '-timeout=10', directory], { maxBuffer: 1 << 26 });
  t.regex(stderr, /Done 200000 runs/);
});

async function build(target: string): Promise<boolean> {
  const script = `exec clang -std=gnu11 -D_GNU_SOURCE -O1 -g -fsanitize=fuzzer,address,undefined -Iruntime/helper -o ${target} spec/fuzz/plan-reader.c \
    $(ls runtime/helper/*.c runtime/helper/generated/*.c | grep -v /main.c)`;
  return run('sh', ['-c', script], { cwd: project }).then(
    () => true,
    () => false,
  );
}

const seeds: readonly Plan[] = [
  [],
  [{ op: 'exit', pointer: '', status: 3 }],
  [
    { op: 'onExit', pointer: '', program: [{ op: 'killCgroup', pointer: '', cgroup: 'cgroup' }] },
    {
      op: 'clone',
      pointer: '/linux/namespaces',
      flags: 1n,
      cgroup: 'cgroup',
      program: [
        { op: 'setAffinity', pointer: '', cpus: [1, 2, 3] },
        { op: 'installSeccomp', pointer: '/linux/seccomp', program: new Uint8Array(16), flags: 0 },
        { op: 'execute', pointer: '/process', arguments: ['a', 'bc'], environment: ['A=b'] },
      ],
    },
  ],
];
