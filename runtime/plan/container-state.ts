/** What whoever is told of a container hears, besides its status and pid (runtime.md#state). */
export interface StateSubject {
  readonly ociVersion: string;
  readonly id: string;
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** The state's JSON around its pid, which only the helper knows. */
export interface StateParts {
  readonly before: string;
  readonly after: string;
}

export function stateAroundPid(subject: StateSubject, status: string): StateParts {
  const { head, tail } = partsOf(subject, status);
  return { before: `${JSON.stringify(head).slice(0, -1)},"pid":`, after: `,${JSON.stringify(tail).slice(1)}` };
}

/** The whole JSON; a stopped container has no pid. */
export function stateText(subject: StateSubject, status: string, pid?: number): string {
  const { head, tail } = partsOf(subject, status);
  return JSON.stringify({ ...head, ...(pid === undefined ? {} : { pid }), ...tail });
}

function partsOf({ ociVersion, id, bundle, annotations }: StateSubject, status: string): { head: object; tail: object } {
  const some = annotations !== undefined && Object.keys(annotations).length > 0;
  return { head: { ociVersion, id, status }, tail: { bundle, ...(some ? { annotations } : {}) } };
}
