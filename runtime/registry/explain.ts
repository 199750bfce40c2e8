// Why a registry could not be reached, or what its refusal means.
import { KrunError } from '../errors/krun-error.ts';
import type { Endpoint } from './settings.ts';

export interface Refusal {
  /** Such as "the manifest latest". */
  readonly what: string;
  readonly endpoint: Endpoint;
  readonly repository: string;
  readonly hasCredentials: boolean;
}

/** Reads what the registry says about it, at most 64 KiB. */
export async function explainRefusal(response: Response, { what, endpoint, repository, hasCredentials }: Refusal): Promise<KrunError> {
  const { code, message } = await readReason(response);
  const said = message === '' ? `it answers ${response.status}` : `${message} (${code || response.status})`;
  const name = `${endpoint.registry}/${repository}`;
  if (response.status === 401 || response.status === 403 || code === 'DENIED' || code === 'UNAUTHORIZED')
    return new KrunError('E_UNAUTHORIZED', `${endpoint.registry} refuses ${what} of ${name}: ${said}`, {
      hint: hasCredentials
        ? 'the credentials that were found are not enough, or the repository does not exist'
        : `there are no credentials for ${endpoint.registry}: docker login, podman login or skopeo login write them; or the repository does not exist`,
    });
  if (response.status === 404) return new KrunError('E_NO_IMAGE', `${endpoint.registry} has not ${what} of ${name}: ${said}`);
  if (response.status === 429 || code === 'TOOMANYREQUESTS')
    return new KrunError('E_REGISTRY', `${endpoint.registry} limits how often it may be asked: ${said}`, {
      hint: rateHint(response, hasCredentials),
    });
  return new KrunError('E_REGISTRY', `${endpoint.registry} refuses ${what} of ${name}: ${said}`);
}

/** What fetch throws: the cause is below. A KrunError stays what it is. */
export function explainUnreachable(error: unknown, { origin, registry }: Endpoint): KrunError {
  if (error instanceof KrunError) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const message = cause instanceof Error ? cause.message : String(cause);
  const hint =
    hints[code] ?? (code.startsWith('ERR_SSL') || /SSL|wrong version number|packet length/.test(message) ? plainHint(registry) : undefined);
  return new KrunError('E_REGISTRY', `${origin} cannot be reached: ${reasons[code] ?? message}`, {
    ...(code === '' ? {} : { errno: code }),
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name cannot be resolved just now',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was cut off',
  UND_ERR_SOCKET: 'the connection was cut off',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
};

const untrusted = 'put the certificate of its authority into a file and name that in NODE_EXTRA_CA_CERTS, or add it to those of the host';
const hints: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
};

function plainHint(registry: string): string {
  return `if it speaks plain HTTP: --insecure-registry ${registry}`;
}

async function readReason(response: Response): Promise<{ code: string; message: string }> {
  try {
    const { errors } = JSON.parse(await readText(response)) as { errors?: { code?: unknown; message?: unknown }[] };
    const [first] = errors ?? [];
    const message = typeof first?.message === 'string' ? first.message.slice(0, 500) : '';
    return { code: typeof first?.code === 'string' ? first.code.slice(0, 50) : '', message };
  } catch {
    return { code: '', message: '' };
  }
}

async function readText(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const part of response.body ?? []) {
    text += decoder.decode(part, { stream: true });
    if (text.length > 65_536) break;
  }
  return text;
}

function rateHint(response: Response, hasCredentials: boolean): string {
  const after = response.headers.get('retry-after');
  const wait = after === null ? 'wait some time' : `wait ${/^\d+$/.test(after) ? `${after} seconds` : `until ${after}`}`;
  return hasCredentials ? `${wait}, or use a mirror` : `${wait}, log in for a larger share, or use a mirror`;
}
