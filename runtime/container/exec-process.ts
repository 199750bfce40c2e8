// What `exec` runs: the container's own process with other arguments and what flags change, or one from a file.
import { type Process, throwProblems } from '../config/config.ts';
import { decodeJson, parseJson } from '../config/json.ts';
import { createReport } from '../config/problem.ts';
import { processSchema } from '../config/process.ts';
import { KrunError } from '../errors/krun-error.ts';
import type { ProcessChanges } from './options.ts';

/** The container's process, changed as runc does it: what is not given stays, but for arguments and terminal. */
export function changeProcess(process: Process, changes: ProcessChanges): Process {
  const { args, cwd, env, terminal, noNewPrivileges, apparmorProfile, selinuxLabel } = changes;
  return {
    ...process,
    args,
    terminal,
    ...(cwd === null ? {} : { cwd }),
    env: [...(process.env ?? []), ...env],
    user: changeUser(process.user, changes),
    ...(noNewPrivileges === null ? {} : { noNewPrivileges }),
    ...(apparmorProfile === null ? {} : { apparmorProfile }),
    ...(selinuxLabel === null ? {} : { selinuxLabel }),
    ...addCapabilities(process, changes.capabilities),
  };
}

/** A process.json; `file` is its name for messages. Throws E_CONFIG_JSON or the first problem, with its pointer into the file. */
export function readProcess(file: string, bytes: Uint8Array): Process {
  const report = createReport();
  const process = processSchema(parse(file, bytes), report);
  const problems = report.problems.map((problem) => ({
    ...problem,
    message: `${file}#${problem.pointer}: ${problem.message}`,
    pointer: '',
  }));
  throwProblems(problems);
  if (process === undefined) throw new KrunError('E_INTERNAL', 'a process was refused without a reason');
  return process;
}

// Whose groups, with the user of another, would be too many rights: runc adds to those of the configuration all the same, and so engines expect it.
function changeUser(user: Process['user'], { uid, gid, additionalGids }: ProcessChanges): NonNullable<Process['user']> {
  const { uid: ownUid = 0, gid: ownGid = 0, additionalGids: groups = [], ...rest } = user ?? {};
  return { ...rest, uid: uid ?? ownUid, gid: gid ?? ownGid, additionalGids: [...groups, ...additionalGids] };
}

// The inheritable set stays as it is (CVE-2022-29162); what is ambient must be inheritable as well, so where nothing is, nothing is added.
function addCapabilities({ capabilities = {} }: Process, added: readonly string[]): Pick<Process, 'capabilities'> {
  if (added.length === 0) return {};
  const { bounding = [], effective = [], permitted = [], inheritable = [], ambient = [] } = capabilities;
  return {
    capabilities: {
      ...capabilities,
      bounding: [...bounding, ...added],
      effective: [...effective, ...added],
      permitted: [...permitted, ...added],
      ...(inheritable.length === 0 ? {} : { ambient: [...ambient, ...added] }),
    },
  };
}

function parse(file: string, bytes: Uint8Array): unknown {
  try {
    return parseJson(decodeJson(bytes));
  } catch (error) {
    if (!(error instanceof KrunError)) throw error;
    throw new KrunError(error.code, `${file}: ${error.message}`, { path: file });
  }
}
