// Bearer tokens and basic authentication, as registries ask for them (distribution's token and OAuth2 specifications).
import { KrunError } from '../errors/krun-error.ts';
import { parseChallenges } from './challenge.ts';
import { type Credentials, type CredentialsPlace, findCredentials } from './credentials.ts';
import { explainUnreachable } from './explain.ts';
import type { Endpoint } from './settings.ts';

export interface Authorizer {
  /** The header's value, or null as long as nobody has asked for it. */
  readonly authorization: () => Promise<string | null>;
  /** Answers a 401: true when it is worth another try. */
  readonly challenged: (response: Response) => Promise<boolean>;
  readonly hasCredentials: () => Promise<boolean>;
}

export function makeAuthorizer(endpoint: Endpoint, repository: string, scopes: readonly string[], place: CredentialsPlace): Authorizer {
  let credentials: Promise<Credentials | null> | null = null;
  let current: Token | null = null;
  let asking: Promise<Token | null> | null = null;
  const known = () => (credentials ??= findCredentials(place, endpoint.registry, repository));
  const renew = (response: Response) =>
    (asking ??= answerChallenge(response, { endpoint, scopes, credentials: known }).finally(() => {
      asking = null;
    }));
  let last: Response | null = null;
  return {
    hasCredentials: async () => (await known()) !== null,
    authorization: async () => {
      if (current !== null && current.expires < Date.now() && last !== null) current = await renew(last);
      return current?.header ?? null;
    },
    challenged: async (response) => {
      await response.body?.cancel();
      last = response;
      const renewed = await renew(response);
      if (renewed === null) return false;
      current = renewed;
      return true;
    },
  };
}

interface Token {
  readonly header: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

interface Asking {
  readonly endpoint: Endpoint;
  readonly scopes: readonly string[];
  readonly credentials: () => Promise<Credentials | null>;
}

async function answerChallenge(response: Response, asking: Asking): Promise<Token | null> {
  const challenges = parseChallenges(response.headers.get('www-authenticate') ?? '');
  const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm !== undefined);
  const credentials = await asking.credentials();
  if (bearer !== undefined) return fetchToken(bearer.parameters, credentials, asking);
  if (credentials?.kind !== 'password' || !challenges.some(({ scheme }) => scheme === 'basic')) return null;
  return { header: basic(credentials), expires: Number.POSITIVE_INFINITY };
}

async function fetchToken(
  parameters: Readonly<Record<string, string>>,
  credentials: Credentials | null,
  { endpoint, scopes }: Asking,
): Promise<Token | null> {
  const realm = realmOf(parameters.realm ?? '', endpoint);
  const wanted = [...new Set([...scopes, ...(parameters.scope?.split(' ') ?? [])])].filter((scope) => scope !== '');
  const service = parameters.service ?? '';
  const response = await askForToken({ realm, service, scopes: wanted, credentials }).catch((error: unknown) =>
    explainUnreachable(error, { ...endpoint, origin: realm.origin }),
  );
  if (response instanceof KrunError) throw response;
  if (response.status === 401 || response.status === 403) {
    await response.body?.cancel();
    return null;
  }
  if (!response.ok)
    throw new KrunError('E_REGISTRY', `${realm.host} gives no token for ${endpoint.registry}: it answers ${response.status}`);
  const answer = (await response.json().catch(() => ({}))) as { token?: unknown; access_token?: unknown; expires_in?: unknown };
  const token = answer.token ?? answer.access_token;
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw new KrunError('E_REGISTRY', `${realm.host} gives no token for ${endpoint.registry}`);
  const seconds = typeof answer.expires_in === 'number' && answer.expires_in > 0 ? answer.expires_in : 60;
  return { header: `Bearer ${token}`, expires: Date.now() + seconds * 900 }; // before it really does
}

interface TokenRequest {
  readonly realm: URL;
  readonly service: string;
  readonly scopes: readonly string[];
  readonly credentials: Credentials | null;
}

async function askForToken({ realm, service, scopes, credentials }: TokenRequest): Promise<Response> {
  if (credentials?.kind === 'identity') {
    const body = new URLSearchParams({
      grant_type: 'refresh_token',
      service,
      client_id: 'krun',
      scope: scopes.join(' '),
      refresh_token: credentials.token,
    });
    return fetch(realm, { method: 'POST', body, redirect: 'error' });
  }
  const url = new URL(realm);
  if (service !== '') url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  return fetch(url, { headers: credentials === null ? {} : { authorization: basic(credentials) }, redirect: 'error' });
}

// The registry says who is sent the password: it must not be sent in clear because of that.
function realmOf(text: string, endpoint: Endpoint): URL {
  const realm = URL.canParse(text) ? new URL(text) : null;
  const isAllowed = realm?.protocol === 'https:' || (realm?.protocol === 'http:' && endpoint.origin.startsWith('http:'));
  if (realm === null || !isAllowed)
    throw new KrunError('E_REGISTRY', `${endpoint.registry} wants a token from ${JSON.stringify(text)}, which is refused`);
  return realm;
}

function basic({ username, password }: Credentials & { kind: 'password' }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
