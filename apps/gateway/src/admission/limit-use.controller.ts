import { Controller } from '@nestjs/common';
import {
  bind,
  Empty,
  fileContract,
  limitUseContract,
  publicMethods,
  runContract,
  type LimitUse,
  type LimitUses,
  type TenantLimits,
} from '@taai/contracts';
import { dialects, routeOf } from '@taai/dialects';
import { RpcClient, WINDOW_SECONDS } from '@taai/platform';
import { currentCaller, type Caller } from '@taai/tenant';
import { Principals } from '../access/principals';
import { ContractRoute, Input } from '../route/route';
import { Concurrency, type Lasting } from './concurrency';
import { InFlightGuard } from './in-flight.guard';
import type { LevelState } from './rate-decision';
import { endpointLevel, tenantLevel, tokensLevel, userLevel, type RateLevel } from './rate-levels';
import { RateLimiter } from './rate-limiter';

const MS = 1000;

/** What is not counted by time. */
type Present = keyof Pick<TenantLimits, 'active_runs' | 'requests_in_flight' | 'stored_file_bytes' | Lasting>;

const methods = [...publicMethods, ...dialects.map(routeOf)]
  .map(({ method }) => method)
  .filter(({ access }) => access !== 'public');

/** Shows callers what is left of their limits. */
@Controller()
export class LimitUseController {
  private readonly runs;
  private readonly files;

  constructor(
    private readonly limiter: RateLimiter,
    private readonly principals: Principals,
    private readonly concurrency: Concurrency,
    private readonly requests: InFlightGuard,
    rpc: RpcClient,
  ) {
    this.runs = rpc.for(runContract);
    this.files = rpc.for(fileContract);
  }

  @ContractRoute(bind(limitUseContract, 'list'))
  async list(@Input() _input: Empty): Promise<LimitUses> {
    const caller = currentCaller();
    const limits = this.principals.limitsOf(caller);
    const scopes = scopesOf(caller, limits);
    const levels = scopes.map(([, level]) => level).filter((level) => level !== undefined);
    const states = await this.limiter.read({ whose: caller.tenant_id, levels });
    const now = Date.now();
    const stateOf = (level?: RateLevel) => states.find((state) => state.level === level);
    return {
      data: [
        ...scopes.map(([scope, level]) => rateUse(scope, stateOf(level), now)),
        ...(await this.present(caller.tenant_id)).map(([scope, used]) =>
          presentUse(scope, used, limits[scope] ?? null),
        ),
      ],
    };
  }

  /** What the tenant has at once now. */
  private async present(tenantId: string): Promise<[Present, number][]> {
    const [{ active }, { bytes }, open_streams, door_calls, sse_readers] = await Promise.all([
      this.runs.active({}),
      this.files.kept({}),
      this.concurrency.inUse('open_streams', tenantId),
      this.concurrency.inUse('door_calls', tenantId),
      this.concurrency.inUse('sse_readers', tenantId),
    ]);
    return [
      ['active_runs', active],
      ['open_streams', open_streams],
      ['door_calls', door_calls],
      ['sse_readers', sse_readers],
      ['requests_in_flight', this.requests.inFlight(tenantId)],
      ['stored_file_bytes', bytes],
    ];
  }
}

/** Every rate, with what it is called. */
function scopesOf(caller: Caller, limits: TenantLimits): [string, RateLevel | undefined][] {
  const endpoints = methods
    .map((method): [string, RateLevel | undefined] => [method.http, endpointLevel(method, caller, limits)])
    .filter(([, level]) => level);
  return [
    ['tenant', tenantLevel(limits)],
    ['user', userLevel(caller, limits)],
    ['tokens', tokensLevel(limits)],
    ...endpoints,
  ];
}

const rateUse = (scope: string, state: LevelState | undefined, now: number): LimitUse => ({
  scope,
  limit: state?.level.per_minute ?? null,
  window_seconds: WINDOW_SECONDS,
  remaining: state?.remaining ?? null,
  reset_at: state ? new Date(now + state.reset_seconds * MS) : null,
});

const presentUse = (scope: Present, used: number, limit: number | null): LimitUse => ({
  scope,
  limit,
  window_seconds: null,
  remaining: limit === null ? null : Math.max(0, limit - used),
  reset_at: null,
});
