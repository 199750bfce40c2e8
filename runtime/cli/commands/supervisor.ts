import type { Caller } from '../../container/caller.ts';
import type { Plan } from '../../plan/ops.ts';
import { printText } from '../../plan/print.ts';
import type { Home, ServiceStatus } from '../../supervisor/home.ts';
import { becomeService, stopService } from '../../supervisor/service.ts';
import { whyNotServed } from '../../supervisor/why-not-served.ts';
import { textOf } from '../flag-values.ts';
import type { CommandHandler } from '../handle.ts';
import { type CommandLine, usageError } from '../parse.ts';
import { parseDuration } from '../quantities.ts';

export const supervisor: CommandHandler = (caller, line, _followUp, home) => {
  const [task] = line.positionals;
  switch (task) {
    case undefined:
      return becomeService(caller, { idleSeconds: idleSeconds(textOf(line.flags, 'idle-timeout')) });
    case 'stop':
      return stopService(caller);
    case 'status':
      return showStatus(caller, line, home);
  }
  throw usageError(`unknown task "${task}" of the supervisor`, 'krun supervisor, krun supervisor status, krun supervisor stop');
};

function idleSeconds(text: string | null): number | null | undefined {
  if (text === null) return undefined;
  return text === '0' ? null : parseDuration(text, 'idle-timeout') / 1000;
}

// Only the resident supervisor can tell: that another answers is the answer.
function showStatus(caller: Caller, { flags }: CommandLine, home: Home | null): Plan {
  if (home === null) throw whyNotServed(caller);
  const status = home.status();
  return printText(textOf(flags, 'format') === 'json' ? `${JSON.stringify(status, null, 2)}\n` : renderStatus(status));
}

function renderStatus(status: ServiceStatus): string {
  const { pid, version, uptime, starts, answers, refusals, p50, p99, cacheHits, cacheMisses, templateHits, waiting, memory } = status;
  const rows = {
    pid: `${pid}`,
    version,
    uptime: `${(uptime / 1000).toFixed(1)} s`,
    starts: `${starts}`,
    answers: `${answers} (p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms), ${refusals} left to others`,
    cache: `files: ${cacheHits} hits, ${cacheMisses} misses; plans: ${templateHits} hits`,
    waiting: `${waiting} connections`,
    memory: `${(memory / 1024 / 1024).toFixed(1)} MiB`,
  };
  return Object.entries(rows)
    .map(([name, value]) => `${name.padEnd(8)} ${value}\n`)
    .join('');
}
