import type { BoundMethod, PublicMethod, TenantLimits } from '@taai/contracts';
import type { Caller } from '@taai/tenant';

/** A limit that a request is held to, and how much it takes of it. */
export interface RateLevel {
  name: 'tenant' | 'user' | 'endpoint' | 'tokens' | 'network';
  /** Of the hash that all levels of a request are kept in. */
  field: string;
  per_minute: number;
  amount: number;
}

/** The levels of one request, in the order in which they refuse. */
export interface RateScope {
  /** Whose they are: a tenant's id, or a network. */
  whose: string;
  levels: RateLevel[];
}

/** Of one network, at all public routes together. */
const NETWORK_PER_MINUTE = 1200;

/** What a request takes of a tenant's tokens before anybody has counted them, at most. */
const MOST_HELD_TOKENS = 4000;
const BYTES_PER_TOKEN = 4;

/** The levels of a request that nobody is authenticated for. */
export function networkScope({ http, limit }: PublicMethod, network: string): RateScope {
  const levels = [
    level('network', 'network', NETWORK_PER_MINUTE),
    level('endpoint', endpointField(http), limit?.per_minute),
  ];
  return { whose: network, levels: levels.filter((one) => one !== undefined) };
}

/**
 * The levels of a caller's request; none on a plan without rates. An API key counts as its user.
 *
 * @param bytes of the request's body, by which its tokens are guessed
 */
export function callerScope(method: PublicMethod, caller: Caller, limits: TenantLimits, bytes = 0): RateScope {
  const levels = [
    method.limit?.alone ? undefined : tenantLevel(limits),
    method.limit?.alone ? undefined : userLevel(caller, limits),
    endpointLevel(method, caller, limits),
    method.limit?.tokens ? tokensLevel(limits, bytes) : undefined,
  ];
  return { whose: caller.tenant_id, levels: levels.filter((one) => one !== undefined) };
}

export const tenantLevel = ({ requests_per_minute }: TenantLimits) => level('tenant', 'tenant', requests_per_minute);

export const userLevel = ({ user_id }: Caller, { requests_per_minute_per_user }: TenantLimits) =>
  level('user', `user:${user_id}`, requests_per_minute_per_user);

/** What a contract declares holds where users have a limit at all. */
export function endpointLevel(
  { http, limit }: PublicMethod,
  { user_id }: Caller,
  { endpoints = {}, requests_per_minute_per_user }: TenantLimits,
): RateLevel | undefined {
  const declared = requests_per_minute_per_user === null ? null : limit?.per_minute;
  return level('endpoint', endpointField(http, user_id), endpoints[http] === undefined ? declared : endpoints[http]);
}

export function tokensLevel({ tokens_per_minute }: TenantLimits, bytes = 0): RateLevel | undefined {
  const guess = Math.max(1, Math.ceil(bytes / BYTES_PER_TOKEN));
  return level('tokens', 'tokens', tokens_per_minute, Math.min(guess, MOST_HELD_TOKENS, tokens_per_minute ?? guess));
}

const level = (
  name: RateLevel['name'],
  field: string,
  per_minute: number | null | undefined,
  amount = 1,
): RateLevel | undefined => (per_minute ? { name, field, per_minute, amount } : undefined);

const endpointField = (route: string, user_id = '') => `endpoint:${user_id} ${route}`;

/** Whether a route guards what no share of a limit would: passwords and links that could be guessed, and money. */
export const isGuarded = ({ method: { access, limit } }: BoundMethod<PublicMethod>): boolean =>
  limit?.tokens === true || (access === 'public' && limit !== undefined);
