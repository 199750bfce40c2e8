// A start like one before, but for the container's id: the same plan with another id and another time in it, as long as everything that
// was read for it is still the same, which is looked at each time. A template is made of two answers to the same request with two
// made-up ids at two times: they must not differ otherwise. So no knowledge of plans is needed here, and what depends on anything else
// (a random id, a clock, a file that is written) gives no template.
import { headerLength } from '../channel/frame.ts';
import { clock } from '../host/clock.ts';
import { relevantMounts } from '../host/mount-table.ts';
import { type Look, lookAgain, record } from './recorded-fs.ts';

export interface PlanTemplates {
  /** The answer, if there is a template for it and nothing has changed. */
  readonly find: (body: Uint8Array) => Uint8Array | null;
  /** To be told of an answer that had to be worked out; makes a template of a start that was asked for before. */
  readonly learn: (body: Uint8Array) => void;
  readonly hits: () => number;
}

interface Template {
  /** The paths of looks have the id and the caller's pid cut out. */
  readonly looks: readonly { readonly look: Look; readonly pieces: readonly (string | Gap)[] }[];
  readonly mounts: string;
  readonly frame: Uint8Array;
  readonly ids: readonly number[];
  readonly times: readonly number[];
}

const Gap = { id: 0, pid: 1 } as const;
type Gap = (typeof Gap)[keyof typeof Gap];

interface Pretence {
  readonly id: string;
  readonly time: Date;
  readonly serving: (command: string) => void;
}

interface Recorded {
  readonly frame: Uint8Array;
  readonly looks: readonly Look[];
}

interface Known {
  asked: number;
  /** How often it must have been asked for before a template is tried (again). */
  next: number;
  template: Template | null;
}

const mostKnown = 256;

/** `answer` must be what answers otherwise; it says which command it is. */
export function makePlanTemplates(answer: (body: Uint8Array, serving: (command: string) => void) => Promise<Uint8Array>): PlanTemplates {
  const known = new Map<string, Known>();
  let hits = 0;

  function find(body: Uint8Array): Uint8Array | null {
    const request = dissect(body);
    const template = request === null ? undefined : known.get(request.key)?.template;
    if (request === null || !template || !isFresh(template, request)) return null;
    hits++;
    return fill(template, request.id, new Date());
  }

  function learn(body: Uint8Array): void {
    const request = dissect(body);
    if (request === null) return;
    const entry = known.get(request.key) ?? { asked: 0, next: 2, template: null };
    known.delete(request.key);
    known.set(request.key, entry);
    const [oldest] = known.keys();
    if (known.size > mostKnown && oldest !== undefined) known.delete(oldest);
    if (++entry.asked < entry.next) return;
    entry.next *= 2;
    setImmediate(async () => {
      entry.template = await make(body, request);
    });
  }

  async function make(body: Uint8Array, request: Dissected): Promise<Template | null> {
    let command = '';
    const serving = (name: string) => {
      command = name;
    };
    const [one, other] = [madeUpId(request.id.length), madeUpId(request.id.length)];
    const [time, otherTime] = [new Date(1e12 + 111), new Date(2e12 + 222)];
    const first = await answerAs(body, request, { id: one, time, serving });
    const second = await answerAs(body, request, { id: other, time: otherTime, serving });
    if (first === null || second === null || (command !== 'run' && command !== 'create')) return null;
    const { frame, looks } = first;
    const template: Template = {
      looks: looks.map((look) => ({ look, pieces: cut(look.path, one, request.pid) })),
      mounts: relevantMounts(),
      frame,
      ids: placesOf(frame, one),
      times: placesOf(frame, time.toISOString()),
    };
    const isWhole = Buffer.from(fill(template, other, otherTime)).equals(second.frame);
    return isWhole && !looks.some(({ outcome }) => outcome.includes(one)) ? template : null;
  }

  async function answerAs(body: Uint8Array, { start }: Dissected, { id, time, serving }: Pretence): Promise<Recorded | null> {
    const changed = Buffer.from(body);
    changed.write(id, start, 'latin1');
    const now = clock.now;
    let frame: Uint8Array | undefined;
    clock.now = () => time;
    try {
      const looks = await record(async () => {
        frame = await answer(changed, serving);
      });
      return frame === undefined || looks === null ? null : { frame, looks };
    } catch {
      return null;
    } finally {
      clock.now = now;
    }
  }

  return { find, learn, hits: () => hits };
}

function isFresh({ looks, mounts }: Template, { id, pid }: Dissected): boolean {
  if (mounts !== relevantMounts()) return false;
  for (const { look, pieces } of looks) {
    let path = '';
    for (const piece of pieces) path += piece === Gap.id ? id : piece === Gap.pid ? pid : piece;
    if (lookAgain(look, path) !== look.outcome) return false;
  }
  return true;
}

function fill({ frame, ids, times }: Template, id: string, time: Date): Uint8Array {
  const filled = Buffer.from(frame);
  const created = time.toISOString();
  for (const place of ids) filled.write(id, place, 'latin1');
  for (const place of times) filled.write(created, place, 'latin1');
  return filled;
}

interface Dissected {
  /** All of the request but the caller's pid and the last argument, whose length is in it. */
  readonly key: string;
  /** The last argument, if it can be an id, and where it starts. */
  readonly id: string;
  readonly start: number;
  readonly pid: string;
}

const pidOffset = 8;
const cwdOffset = 20;

// As runtime/helper/request.c has it. What goes with a failure or a follow-up has no template; nor what is handed sockets, by its own pid.
function dissect(body: Uint8Array): Dissected | null {
  try {
    return tryToDissect(body);
  } catch {
    return null; // no helper has written it
  }
}

function tryToDissect(body: Uint8Array): Dissected | null {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  if (bytes.length < 64 || bytes.readUInt32LE(bytes.length - 8) !== 0 || bytes.readUInt32LE(bytes.length - 4) !== 0) return null;
  let at = skipString(bytes, cwdOffset);
  const count = bytes.readUInt32LE(at);
  at += 4;
  for (let index = 1; index < count; index++) at = skipString(bytes, at);
  const start = at + 4;
  const length = bytes.readUInt32LE(at);
  const id = bytes.toString('latin1', start, start + length);
  // A plus sign is escaped in names of units (systemd-escape(1)): not every id is in a plan as it is.
  if (count < 3 || !/^[A-Za-z0-9_][A-Za-z0-9_.-]{3,}$/.test(id) || bytes.includes('\0LISTEN_PID=')) return null;
  const key =
    bytes.toString('latin1', 0, pidOffset) + bytes.toString('latin1', pidOffset + 4, start) + bytes.toString('latin1', start + length);
  return { key, id, start, pid: String(bytes.readUInt32LE(pidOffset)) };
}

function skipString(bytes: Buffer, at: number): number {
  return at + 4 + ((bytes.readUInt32LE(at) + 4) & ~3);
}

function madeUpId(length: number): string {
  return Array.from({ length }, () => String.fromCharCode(97 + Math.floor(Math.random() * 26))).join('');
}

function placesOf(frame: Uint8Array, text: string): number[] {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
  const places: number[] = [];
  for (let at = bytes.indexOf(text, headerLength); at >= 0; at = bytes.indexOf(text, at + text.length)) places.push(at);
  return places;
}

function cut(path: string, id: string, pid: string): (string | Gap)[] {
  const own = `/proc/${pid}/`;
  if (path.startsWith(own)) return ['/proc/', Gap.pid, ...cut(path.slice(own.length - 1), id, pid)];
  return path.split(id).flatMap((piece, index) => (index === 0 ? [piece] : [Gap.id, piece]));
}
