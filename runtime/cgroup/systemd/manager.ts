// What krun says to systemd: org.freedesktop.systemd1(5). Each conversation is a connection of its own, whole messages one after the other.
import { type BusValue, encodeCall, type MethodCall, pidPlace, type Variant } from './bus-message.ts';

/** A property of a unit and its D-Bus type, such as TasksMax, t. */
export interface Property extends Variant {
  readonly name: string;
}

/** Messages to be sent at once, of which the reply to the last one counts. */
export interface Conversation {
  /** Of the last one, for reports. */
  readonly method: string;
  readonly unit: string;
  readonly messages: Uint8Array;
  readonly serial: number;
  /** Where in the messages the pid goes; 0: nowhere. */
  readonly pidAt: number;
  readonly awaitJob: boolean;
  /** Errors of any of the messages that are none. */
  readonly tolerated: readonly string[];
}

/**
 * A transient scope around one process. What is left of a failed one of that name is cleared first: systemd keeps it, and the name, until
 * then. It is not kept if it fails in its turn (CollectMode).
 */
export function startScope(unit: string, properties: readonly Property[], tolerated: readonly string[] = []): Conversation {
  const reset = managerCall('ResetFailedUnit', 's', [unit]);
  const all: Property[] = [...properties, { name: 'PIDs', type: 'au', value: [pidPlace] }];
  const start = managerCall('StartTransientUnit', 'ssa(sv)a(sa(sv))', [unit, 'replace', all.map(pair), []]);
  return converse(unit, [...jobGreeting(unit), reset, start], { awaitJob: true, tolerated: [noSuchUnit, ...tolerated] });
}

/**
 * The same with properties that older versions of systemd do not know, and if it does not, without: the second start finds the unit there if
 * the first was understood. Somebody else's unit of the name is an error to the first.
 */
export function startScopeWith(unit: string, recent: readonly Property[], properties: readonly Property[]): Conversation[] {
  if (recent.length === 0) return [startScope(unit, properties)];
  return [startScope(unit, [...properties, ...recent], [unknownProperty]), startScope(unit, properties, [unitExists])];
}

/** `runtime`: until the next boot. What comes after the reply to Ping comes after systemd has written the cgroup's files. */
export function setUnitProperties(unit: string, properties: readonly Property[]): Conversation {
  const set = managerCall('SetUnitProperties', 'sba(sv)', [unit, true, properties.map(pair)]);
  return { ...converse(unit, [hello, set, ping], {}), method: 'SetUnitProperties' };
}

/** The same for properties that older versions of systemd do not know, or not with such a value; the cgroup's files have them in any case. */
export function trySetUnitProperty(unit: string, property: Property): Conversation {
  return { ...setUnitProperties(unit, [property]), tolerated: [unknownProperty, badValue] };
}

export function stopUnit(unit: string): Conversation {
  const stop = managerCall('StopUnit', 'ss', [unit, 'replace']);
  return converse(unit, [...jobGreeting(unit), stop], { awaitJob: true, tolerated: [noSuchUnit] });
}

/** `below`: '' or a path such as /a/b below the unit's cgroup. */
export function attachProcess(unit: string, below: string): Conversation {
  return converse(unit, [hello, managerCall('AttachProcessesToUnit', 'ssau', [unit, below, [pidPlace]])], {});
}

const unitExists = 'org.freedesktop.systemd1.UnitExists';
const noSuchUnit = 'org.freedesktop.systemd1.NoSuchUnit';
const unknownProperty = 'org.freedesktop.DBus.Error.PropertyReadOnly';
const badValue = 'org.freedesktop.DBus.Error.InvalidArgs';

const bus = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' } as const;
const systemd = { destination: 'org.freedesktop.systemd1', path: '/org/freedesktop/systemd1' } as const;
const manager = 'org.freedesktop.systemd1.Manager';

const hello: MethodCall = { ...bus, member: 'Hello', signature: '', body: [] };
const ping: MethodCall = { ...systemd, interface: 'org.freedesktop.DBus.Peer', member: 'Ping', signature: '', body: [] };

// Unless somebody subscribes systemd sends no signals, and the bus none to who did not ask for them.
function jobGreeting(unit: string): MethodCall[] {
  const rule = `type='signal',sender='${systemd.destination}',path='${systemd.path}',interface='${manager}',member='JobRemoved',arg2='${unit}'`;
  return [hello, { ...bus, member: 'AddMatch', signature: 's', body: [rule] }, managerCall('Subscribe', '', [])];
}

function managerCall(member: string, signature: string, body: readonly BusValue[]): MethodCall {
  return { ...systemd, interface: manager, member, signature, body };
}

function pair({ name, type, value }: Property): BusValue {
  return [name, { type, value }];
}

function converse(unit: string, calls: readonly MethodCall[], { awaitJob = false, tolerated = [] }: Partial<Conversation>): Conversation {
  let pidAt = 0;
  const bytes: number[] = [];
  for (const [index, call] of calls.entries()) {
    const encoded = encodeCall(call, index + 1);
    if (encoded.pidAt > 0) pidAt = bytes.length + encoded.pidAt;
    bytes.push(...encoded.bytes);
  }
  const method = calls.at(-1)?.member ?? '';
  return { method, unit, messages: Uint8Array.from(bytes), serial: calls.length, pidAt, awaitJob, tolerated };
}
