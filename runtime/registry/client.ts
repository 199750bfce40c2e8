// One registry, spoken to as the distribution-spec 1.1 has it: requests with credentials, tried again when that may help, failures explained.
// The other side may be anybody: it may redirect anywhere, never end, or send more than it was asked for.
import { setTimeout as delay } from 'node:timers/promises';
import { KrunError } from '../errors/krun-error.ts';
import { type Authorizer, makeAuthorizer } from './authorize.ts';
import type { CredentialsPlace } from './credentials.ts';
import { explainRefusal, explainUnreachable } from './explain.ts';
import type { Endpoint } from './settings.ts';

export interface Registry {
  readonly endpoint: Endpoint;
  readonly repository: string;
  /** Sends, with the credentials that are asked for; 429 and 5xx are tried again. The answer may still be a refusal. */
  readonly send: (path: string, request?: RegistryRequest) => Promise<Response>;
  /** As send, and E_NO_IMAGE, E_UNAUTHORIZED or E_REGISTRY unless the status is one of these. */
  readonly require: (statuses: readonly number[], what: string, path: string, request?: RegistryRequest) => Promise<Response>;
}

export interface RegistryRequest {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for each try. */
  readonly body?: () => NonNullable<RequestInit['body']> | Promise<NonNullable<RequestInit['body']>>;
  readonly signal?: AbortSignal;
}

export interface ClientOptions {
  readonly credentials: CredentialsPlace;
  /** What is wanted of the repository. */
  readonly actions: 'pull' | 'pull,push';
  /** Another repository of the same registry, to mount blobs from. */
  readonly mountFrom?: string;
  readonly say?: (line: string) => void;
}

export function connectRegistry(endpoint: Endpoint, repository: string, options: ClientOptions): Registry {
  const scopes = [
    `repository:${repository}:${options.actions}`,
    ...(options.mountFrom === undefined ? [] : [`repository:${options.mountFrom}:pull`]),
  ];
  const authorizer = makeAuthorizer(endpoint, repository, scopes, options.credentials);
  const send: Registry['send'] = (path, request = {}) =>
    sendPatiently({ endpoint, authorizer, say: options.say ?? (() => {}) }, path, request);
  return {
    endpoint,
    repository,
    send,
    require: async (statuses, what, path, request) => {
      const response = await send(path, request);
      if (statuses.includes(response.status)) return response;
      throw await explainRefusal(response, { what, endpoint, repository, hasCredentials: await authorizer.hasCredentials() });
    },
  };
}

/** Below /v2/REPOSITORY/. */
export function pathOf(repository: string, ...parts: readonly string[]): string {
  return `/v2/${repository}/${parts.join('/')}`;
}

interface Sending {
  readonly endpoint: Endpoint;
  readonly authorizer: Authorizer;
  readonly say: (line: string) => void;
}

const tries = 5;

async function sendPatiently(sending: Sending, path: string, request: RegistryRequest): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await sendAuthorized(sending, path, request).catch((error: unknown) => {
      request.signal?.throwIfAborted();
      return explainUnreachable(error, sending.endpoint);
    });
    const isLast = attempt === tries;
    if (outcome instanceof KrunError) {
      if (isLast || !isTransient(outcome)) throw outcome;
      await pause(sending, attempt, outcome.message, null);
    } else if (isLast || !mayPass(outcome.status)) return outcome;
    else {
      await outcome.body?.cancel();
      await pause(
        sending,
        attempt,
        outcome.status === 429 ? 'it limits how often it may be asked' : `it answers ${outcome.status}`,
        retryAfter(outcome),
      );
    }
  }
}

async function sendAuthorized({ endpoint, authorizer }: Sending, path: string, request: RegistryRequest): Promise<Response> {
  const url = new URL(path, endpoint.origin);
  for (let attempt = 0; ; attempt++) {
    // Credentials are for the registry alone: an upload's Location may be anywhere.
    const authorization = url.origin === new URL(endpoint.origin).origin ? await authorizer.authorization() : null;
    const body = request.body === undefined ? undefined : await request.body();
    const response = await fetch(url, {
      method: request.method ?? 'GET',
      headers: { 'user-agent': 'krun', ...request.headers, ...(authorization === null ? {} : { authorization }) },
      redirect: 'follow', // fetch takes the credentials off when the host changes
      signal: request.signal ?? null,
      ...(body === undefined ? {} : { body, duplex: 'half' }),
    });
    if (endpoint.origin.startsWith('https:') && response.redirected && response.url.startsWith('http:')) {
      await response.body?.cancel();
      throw new KrunError('E_REGISTRY', `${endpoint.registry} leads from HTTPS to plain HTTP, which is refused`);
    }
    if (response.status !== 401 || attempt > 0 || !(await authorizer.challenged(response))) return response;
  }
}

function isTransient(error: KrunError): boolean {
  return (
    error.code === 'E_REGISTRY' &&
    ['ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT', 'EAI_AGAIN'].includes(error.errno ?? '')
  );
}

function mayPass(status: number): boolean {
  return status === 429 || status === 408 || (status >= 500 && status !== 501 && status !== 505);
}

// Seconds, or a date; more than a minute is not waited for.
function retryAfter(response: Response): number | null {
  const header = response.headers.get('retry-after');
  if (header === null) return null;
  const milliseconds = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(milliseconds) ? Math.min(Math.max(milliseconds, 0), 60_000) : null;
}

async function pause({ endpoint, say }: Sending, attempt: number, why: string, wanted: number | null): Promise<void> {
  const milliseconds = wanted ?? 250 * 2 ** attempt;
  say(`${endpoint.registry}: ${why}; trying again in ${(milliseconds / 1000).toFixed(1)} s`);
  await delay(milliseconds);
}
