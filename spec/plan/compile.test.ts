import { readdirSync, readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { encodePlan } from '../../runtime/channel/encode-plan.ts';
import { printPlan } from '../../runtime/cli/print-plan.ts';
import { readConfig } from '../../runtime/config/config.ts';
import { lookUp } from '../../runtime/errors/failure.ts';
import { KrunError } from '../../runtime/errors/krun-error.ts';
import { compilePlan, type StartRequest } from '../../runtime/plan/compile.ts';
import { type Op, type OpName, type OpOf, opTable, type Plan } from '../../runtime/plan/ops.ts';
import { arbitraryRequest, fixedFacts, requestFor } from '../support/compile-request.ts';

const fixtures = new URL('../fixtures/configs/', import.meta.url);

for (const file of readdirSync(fixtures).sort()) {
  test(`${file} is planned as in the snapshot`, (t) => {
    const config = readConfig(readFileSync(new URL(file, fixtures), 'utf8'));
    const facts = { ...fixedFacts, euid: file === 'rootless.json' ? 1000 : 0 };
    t.snapshot(printPlan(compilePlan(requestFor(config, { facts }))));
  });
}

test('the same request gives the same plan', (t) => {
  everyPlan(t, (plan, request) => t.deepEqual(compilePlan(request), plan), 50);
});

test('a valid configuration gives a plan or a KrunError with a pointer, and most give a plan', (t) => {
  let [plans, errors] = [0, 0];
  fc.assert(
    fc.property(arbitraryRequest(), (request) => {
      const result = attempt(request);
      if (result instanceof KrunError) {
        errors++;
        return result.pointer !== undefined || result.code === 'E_NO_CGROUP2' || result.code === 'E_BAD_CGROUP';
      }
      plans++;
      return true;
    }),
    { numRuns: 500 },
  );
  t.true(plans > errors, `${plans} plans, ${errors} errors`);
});

test('every plan can be encoded', (t) => {
  everyPlan(t, (plan) => t.true(encodePlan(plan).length > 16));
});

test('a slot is filled before it is used, in each process by itself, and filled once', (t) => {
  everyPlan(t, (plan) => t.deepEqual(slotFaults(plan, new Map()), []));
});

test('after closeDescriptors no op uses a slot', (t) => {
  everyPlan(t, (plan) => {
    const { end } = partsOf(plan);
    t.deepEqual(
      end.flatMap((op) =>
        slotsOf(op)
          .filter(({ name }) => name !== null)
          .map(({ name }) => `${op.op} ${name}`),
      ),
      [],
    );
  });
});

test('each tree that is opened is attached once', (t) => {
  everyPlan(t, (plan) => {
    const all = flatten(plan);
    const opened = all.flatMap((op) => (op.op === 'openTree' || op.op === 'openDevice' ? [op.tree] : []));
    const attached = all.flatMap((op) => (op.op === 'moveMount' ? [op.tree] : []));
    t.deepEqual([...attached].sort(), [...opened].sort());
  });
});

test('what is made on the host is preceded by the onExit that removes it', (t) => {
  everyPlan(t, (plan) => {
    for (const [index, op] of plan.entries()) {
      const before = plan[index - 1];
      const undo = before?.op === 'onExit' ? before.program : [];
      if (op.op === 'createStateDirectory') {
        t.like(undo, [{ op: 'removeStateDirectory', path: op.path, id: op.id, directory: op.directory }]);
      } else if (op.op === 'createCgroup') {
        t.deepEqual(names(undo), ['killCgroup', 'removeCgroup']);
        t.like(undo[1], { mountpoint: op.mountpoint, path: op.path, cgroup: op.cgroup });
      }
    }
    t.is(plan.filter(({ op }) => op === 'onExit').length, plan.filter(({ op }) => op.startsWith('create') && undoable.has(op)).length);
    t.true(
      flatten(plan).every((op) => op.op !== 'onExit' || plan.includes(op)),
      'only the helper registers exits',
    );
  });
});

const undoable: ReadonlySet<string> = new Set(['createStateDirectory', 'createCgroup']);

test('the state directory is there before anything else is made, and knows where the cgroup will be', (t) => {
  everyPlan(t, (plan) => {
    const order = names(plan);
    const state = order.indexOf('writeStateFile');
    t.true(order.indexOf('createStateDirectory') < state);
    for (const op of ['createCgroup', 'clone', 'createUserNamespace'] as const)
      if (order.includes(op)) t.true(state < order.indexOf(op), op);
  });
});

test('the helper ends with: recordInit, notifyChild, waitForExecute, the pid file, wait; detached it leaves instead', (t) => {
  everyPlan(t, (plan, { pidFile, keep, mode }) => {
    const writePidFile = pidFile === null ? [] : ['writePidFile'];
    const leave = ['releaseInit', 'forgetExits', 'exit'];
    const ends = {
      attend: ['waitForExecute', ...writePidFile, ...(keep ? ['forgetExits'] : []), 'wait', ...(hasCgroup(plan) ? ['whenCounted'] : [])],
      detach: ['waitForExecute', ...writePidFile, ...leave],
      create: ['waitForChild', ...writePidFile, 'renameStateFile', 'notifyChild', ...leave],
    } as const;
    t.deepEqual(names(plan).slice(-ends[mode].length), [...ends[mode]] as OpName[]);
    const record = names(plan).indexOf('recordInit');
    t.is(plan[record + 1]?.op, 'notifyChild');
    t.true(names(plan).lastIndexOf('clone') < record);
  });
});

function hasCgroup(plan: Plan): boolean {
  return names(plan).includes('createCgroup');
}

test('helper and init wait for each other at the same stages in the same order', (t) => {
  everyPlan(t, (plan) => {
    const helper = plan.flatMap((op) => meeting(op, { waitForChild: 'up', notifyChild: 'down' }));
    const { child } = partsOf(plan);
    t.deepEqual(
      child.flatMap((op) => meeting(op, { notifyParent: 'up', waitForParent: 'down' })),
      helper,
    );
  });
});

test('user namespace, maps and joins come before mounts, mounts before pivotRoot, and nothing is mounted after', (t) => {
  everyPlan(t, (plan) => {
    const { child } = partsOf(plan);
    const order = names(child);
    const isolate = child.findIndex((op) => op.op === 'setPropagation' && op.path === '/');
    const firstMount = order.findIndex((op) => mounting.has(op));
    const pivot = order.indexOf('pivotRoot');
    for (const op of ['setns', 'unshare', 'setTimeOffsets'] as const) t.true(order.lastIndexOf(op) < isolate, op);
    t.true(isolate >= 0 && isolate < firstMount);
    t.is(order.lastIndexOf('pivotRoot'), pivot);
    t.true(order.findLastIndex((op) => mounting.has(op) || inRoot.has(op)) < pivot);
    t.true(order.lastIndexOf('setSysctl') < pivot && order.lastIndexOf('sethostname') < pivot);
    t.true(pivot < order.indexOf('closeDescriptors'));
  });
});

const mounting: ReadonlySet<string> = new Set([
  'openRoot',
  'openOverlayRoot',
  'mount',
  'moveMount',
  'remount',
  'maskPath',
  'setPathReadonly',
]);
const inRoot: ReadonlySet<string> = new Set(['createDevice', 'createSymlink', 'createDirectory']);

test('after a user namespace is made, its root is who goes on, and only then things are made', (t) => {
  everyPlan(t, (plan) => {
    const { child } = partsOf(plan);
    const become = child.findIndex((op) => op.op === 'setUser' && op.pointer === '/linux/uidMappings');
    const maps = plan.findIndex(({ op }) => op === 'writeIdMaps');
    if (maps < 0) return;
    t.true(become >= 0 && become < names(child).findIndex((op) => mounting.has(op)));
    t.is(child[become - 1]?.op, 'waitForParent', 'the maps are there');
  });
});

test('init is hidden from other processes before it joins anything, and before it can be seen', (t) => {
  everyPlan(t, (plan) => {
    const { child } = partsOf(plan);
    const order = names(child);
    const hidden = child.findIndex((op) => op.op === 'setDumpable' && !op.dumpable);
    t.true(hidden >= 0);
    if (order.includes('setns')) t.true(hidden < order.indexOf('setns'));
    t.true(hidden < order.findIndex((op) => mounting.has(op)));
    t.true(child.every((op) => op.op !== 'setDumpable' || !op.dumpable));
  });
});

// SECURITY.md, rule 9.
test('groups, gid, uid, capabilities, no_new_privs, then execute: each after what needs its rights', (t) => {
  everyPlan(t, (plan, { config }) => {
    const { end } = partsOf(plan);
    const order = names(end);
    const at = (op: OpName): number => order.indexOf(op);
    t.true(at('dropBoundingSet') < at('setUser'));
    t.true(at('setUser') < at('setCapabilities') && at('setCapabilities') < at('setAmbient') && at('setAmbient') < at('findProgram'));
    t.deepEqual(
      order.filter((op) => op === 'setUser' || op === 'execute' || op === 'findProgram'),
      ['setUser', 'findProgram', 'execute'],
    );
    t.is(order.at(-1), 'execute');
    const uid = config.process.user?.uid ?? 0;
    t.is(order.includes('keepCapabilities'), uid !== 0);
    if (uid !== 0) t.true(at('keepCapabilities') < at('setUser'));
    for (const op of ['setScheduler', 'setIoPriority', 'setPersonality', 'setMemoryPolicy', 'setrlimit', 'setUmask'] as const)
      t.true(order.lastIndexOf(op) < at('dropBoundingSet'), op);
    t.is(order.includes('setNoNewPrivileges'), config.process.noNewPrivileges === true);
  });
});

test('seccomp comes last where no_new_privs allows it, and else right before the rights to it are given up', (t) => {
  everyPlan(t, (plan, { config, seccomp }) => {
    const order = names(partsOf(plan).end);
    t.is(order.includes('installSeccomp'), seccomp !== null);
    if (seccomp === null) return;
    if (config.process.noNewPrivileges === true) t.is(order.at(-2), 'installSeccomp');
    else t.is(order[order.indexOf('installSeccomp') + 1], 'setUser');
  });
});

test('the working directory is tried as root and as the user, and is always inside', (t) => {
  everyPlan(t, (plan, { config }) => {
    const tries = partsOf(plan).end.filter((op): op is OpOf<'changeDirectory'> => op.op === 'changeDirectory');
    const uid = config.process.user?.uid ?? 0;
    t.deepEqual(
      tries.map(({ path, mayBeDenied }) => [path, mayBeDenied]),
      uid === 0
        ? [[config.process.cwd, false]]
        : [
            [config.process.cwd, true],
            [config.process.cwd, false],
          ],
    );
  });
});

test('a supplementary group of the caller never stays where it could be dropped', (t) => {
  everyPlan(t, (plan, { config, facts }) => {
    const user = partsOf(plan).end.find((op): op is OpOf<'setUser'> => op.op === 'setUser');
    t.deepEqual(user?.groups, config.process.user?.additionalGids ?? []);
    if (facts.euid === 0) t.is(user?.setGroups, !facts.deniesSetgroups);
  });
});

test('with limits, or a file system on a device, confinement waits until all is mounted', (t) => {
  everyPlan(t, (plan) => {
    const confine = plan.findIndex(({ op }) => op === 'writeCgroupFile');
    if (confine < 0) return;
    t.like(plan[confine - 1], { op: 'waitForChild', stage: 40 });
    const { child } = partsOf(plan);
    const told = child.findIndex((op) => op.op === 'notifyParent' && op.stage === 40);
    t.true(told > names(child).findLastIndex((op) => op === 'mount' || op === 'moveMount' || op === 'createDevice'));
  });
});

test('the device program is attached before the process starts, whenever there is a cgroup and the right to it', (t) => {
  everyPlan(t, (plan, { facts }) => {
    const order = names(plan);
    if (!order.includes('createCgroup') || facts.euid !== 0 || facts.inUserNamespace) return;
    t.true(order.includes('attachDeviceProgram'));
    t.true(order.indexOf('attachDeviceProgram') < order.indexOf('recordInit'));
  });
});

// Where a default takes the place of what is not given, the pointer is where it would be.
const defaulted = [
  /^\/linux\/cgroupsPath$/,
  /^\/linux\/resources\/devices$/,
  /^\/process\/capabilities(\/(bounding|ambient))?$/,
  /^\/process\/user(\/(uid|umask))?$/,
  /^\/linux\/[ug]idMappings$/,
  /^\/linux\/namespaces$/,
];

test('every pointer of an op leads to something in the configuration, or to where a default is', (t) => {
  everyPlan(t, (plan, { config }) => {
    const lost = flatten(plan)
      .map(({ pointer }) => pointer)
      .filter((pointer) => pointer !== '' && lookUp(config, pointer) === undefined && !defaulted.some((pattern) => pattern.test(pointer)));
    t.deepEqual(lost, []);
  });
});

test('no text of an op holds a NUL, and no host path of it is relative', (t) => {
  everyPlan(t, (plan) => {
    for (const op of flatten(plan)) {
      t.false(JSON.stringify(op, (_, value) => (typeof value === 'bigint' ? String(value) : value)).includes('\\u0000'), op.op);
      if (op.op === 'openTree' || op.op === 'openDevice') t.true(op.source.startsWith('/'), op.source);
      if (op.op === 'openRoot') t.true(op.path.startsWith('/'));
    }
  });
});

function everyPlan(t: ExecutionContext, check: (plan: Plan, request: StartRequest) => void, numRuns = 150): void {
  let plans = 0;
  fc.assert(
    fc.property(arbitraryRequest(), (request) => {
      const plan = attempt(request);
      if (plan instanceof KrunError) return;
      plans++;
      check(plan, request);
    }),
    { numRuns },
  );
  t.true(plans > numRuns / 3, `${plans} plans of ${numRuns}`);
}

function attempt(request: StartRequest): Plan | KrunError {
  try {
    return compilePlan(request);
  } catch (error) {
    if (error instanceof KrunError) return error;
    throw error;
  }
}

interface Parts {
  /** What the stage, if there is one, and then init do. */
  readonly child: Plan;
  /** init, from closeDescriptors on. */
  readonly end: Plan;
}

function partsOf(plan: Plan): Parts {
  const child = programOf(plan).flatMap((op) => (op.op === 'clone' ? [op, ...op.program] : [op]));
  return { child, end: child.slice(names(child).indexOf('closeDescriptors') + 1) };
}

function programOf(plan: Plan): Plan {
  return plan.find((op): op is OpOf<'clone'> => op.op === 'clone')?.program ?? [];
}

function flatten(plan: Plan): Plan {
  return plan.flatMap((op) => ('program' in op && Array.isArray(op.program) ? [op, ...flatten(op.program as Plan)] : [op]));
}

function names(plan: Plan): OpName[] {
  return plan.map(({ op }) => op);
}

function meeting(op: Op, directions: Partial<Record<OpName, string>>): string[] {
  const direction = directions[op.op];
  return direction === undefined || !('stage' in op) ? [] : [`${direction} ${op.stage}`];
}

interface SlotUse {
  readonly field: string;
  readonly name: string | null;
}

function slotsOf(op: Op): SlotUse[] {
  const values = op as unknown as Record<string, string | null>;
  return Object.entries(opTable[op.op].fields)
    .filter(([, kind]) => kind === 'slot')
    .map(([field]) => ({ field, name: values[field] ?? null }));
}

// The field by which an op fills a slot.
const fills: Partial<Record<OpName, string>> = {
  createStateDirectory: 'directory',
  createCgroup: 'cgroup',
  openNamespace: 'namespace',
  createUserNamespace: 'namespace',
  openTree: 'tree',
  openDevice: 'tree',
  openNull: 'null',
  openRoot: 'root',
  openOverlayRoot: 'root',
  mount: 'mount',
  openProc: 'proc',
};

// A clone's child has what was filled before; what either fills later the other has not. Exits run later, and skip what is empty.
function slotFaults(plan: Plan, inherited: ReadonlyMap<string, string>): string[] {
  const filled = new Map(inherited);
  const faults: string[] = [];
  for (const op of plan) {
    if (op.op === 'onExit') continue;
    for (const { field, name } of slotsOf(op)) {
      if (name === null) continue;
      if (field !== fills[op.op]) {
        if (!filled.has(name)) faults.push(`${op.op} uses ${name}, which nothing has filled`);
      } else if (filled.has(name)) faults.push(`${op.op} fills ${name}, which ${filled.get(name)} has filled`);
      else filled.set(name, op.op);
    }
    if (op.op === 'clone') faults.push(...slotFaults(op.program, filled));
  }
  return faults;
}
