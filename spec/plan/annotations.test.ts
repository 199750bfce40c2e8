import test from 'ava';
import { knownAnnotations } from '../../runtime/config/annotations.ts';
import type { Config } from '../../runtime/config/config.ts';
import { compilePlan } from '../../runtime/plan/compile.ts';
import type { Op, OpOf, Plan } from '../../runtime/plan/ops.ts';
import { baseConfig } from '../support/bundle.ts';
import { withLinux, withProcess } from '../support/change-config.ts';
import { fixedFacts, requestFor } from '../support/compile-request.ts';

const keep = { 'run.oci.keep_original_groups': '1' };
const annotated = (annotations: Record<string, string>, config: Config = baseConfig()): Config => ({ ...config, annotations });
const flatten = (plan: Plan): Op[] =>
  plan.flatMap((op) => [op, ...('program' in op && Array.isArray(op.program) ? flatten(op.program) : [])]);
const userOf = (config: Config, facts = fixedFacts) =>
  flatten(compilePlan(requestFor(config, { facts }))).findLast((op): op is OpOf<'setUser'> => op.op === 'setUser');

test('the caller’s groups are kept for a caller in a user namespace only, and only if the configuration has none', (t) => {
  const nested = { ...fixedFacts, inUserNamespace: true };
  t.true(userOf(annotated(keep))?.setGroups, 'a daemon of root');
  t.false(userOf(annotated(keep), nested)?.setGroups);
  t.true(userOf(annotated({ 'run.oci.keep_original_groups': '0' }), nested)?.setGroups);
  t.true(userOf(baseConfig(), nested)?.setGroups);
  const user = userOf(annotated(keep, withProcess({ user: { uid: 0, gid: 0, additionalGids: [7] } })(baseConfig())), nested);
  t.like(user, { setGroups: true, groups: [7] });
});

test('the mount option of the label is one of four, whatever else is asked for', (t) => {
  const config = withLinux({ mountLabel: 'system_u:object_r:x_t:s0' })(baseConfig());
  const optionsOf = (type: string): readonly string[] =>
    flatten(compilePlan(requestFor(annotated({ 'run.oci.mount_context_type': type }, config))))
      .filter((op): op is OpOf<'mount'> => op.op === 'mount')
      .flatMap(({ options }) => options.filter((option) => option.includes('context=')));
  for (const type of ['context', 'fscontext', 'defcontext', 'rootcontext'])
    t.deepEqual(new Set(optionsOf(type)), new Set([`${type}=system_u:object_r:x_t:s0`]));
  t.deepEqual(new Set(optionsOf('x=y,upperdir')), new Set(['context=system_u:object_r:x_t:s0']));
});

test('annotations that are not honoured change nothing of the plan', (t) => {
  const plain = compilePlan(requestFor(annotated({ a: 'b' })));
  for (const { name } of knownAnnotations.filter(({ honoured }) => !honoured)) {
    for (const value of ['1', '/etc/passwd', 'true'])
      t.deepEqual(withoutHooks(compilePlan(requestFor(annotated({ [name.replace('*', 'subgroup')]: value })))), withoutHooks(plain), name);
  }
});

function withoutHooks(plan: Plan): Plan {
  return plan.filter(({ op }) => op !== 'writeStateFile');
}
