import { IsInt, Max, Min, ValidateBy } from 'class-validator';
import { Nullable, Optional } from '../fields';
import { limits } from '../schema/limits';

/** The plans of every installation. */
export const planIds = ['free', 'pro', 'enterprise', 'unlimited'] as const;
export type PlanId = (typeof planIds)[number];

const ROUTE = /^(GET|POST|PUT|PATCH|DELETE) \/\S*$/;

const isLimit = (value: unknown) =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= limits.tenantLimit;

function Limit(): PropertyDecorator {
  return (target, key) => [Nullable(), IsInt(), Min(1), Max(limits.tenantLimit)].forEach((check) => check(target, key));
}

const areByRoute = (value: unknown) =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(value).every(([route, most]) => ROUTE.test(route) && (most === null || isLimit(most)));

const LimitsByRoute = () =>
  ValidateBy({
    name: 'limitsByRoute',
    validator: { validate: areByRoute, defaultMessage: () => 'must have a limit for each route (`POST /v1/tasks`)' },
  });

/** What a tenant may use: its plan's limits, with what operators set for it alone. `null` anywhere: without limit. */
export class TenantLimits {
  /** Of all its users together. */
  @Limit()
  requests_per_minute: number | null;

  /** Of each user, whose API keys count as theirs. */
  @Limit()
  requests_per_minute_per_user: number | null;

  /** Of prompts and answers together. */
  @Limit()
  tokens_per_minute: number | null;

  /** Requests per minute of each user at a route (`POST /v1/tasks`), instead of what its contract declares. */
  @Optional()
  @LimitsByRoute()
  endpoints?: Record<string, number | null>;

  /** Runs that have not ended. */
  @Limit()
  active_runs: number | null;

  /** Answers of models that are being streamed. */
  @Limit()
  open_streams: number | null;

  /** Calls under way at the routes where APIs of others are spoken. */
  @Limit()
  door_calls: number | null;

  /** Readers of runs' events. */
  @Limit()
  sse_readers: number | null;

  /** Requests of all kinds that are being answered. */
  @Limit()
  requests_in_flight: number | null;

  /** Of all files together. */
  @Optional()
  @Nullable()
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  stored_file_bytes?: number | null;
}

/** Holds nobody to anything. */
export const noLimits: TenantLimits = Object.freeze({
  requests_per_minute: null,
  requests_per_minute_per_user: null,
  tokens_per_minute: null,
  active_runs: null,
  open_streams: null,
  door_calls: null,
  sse_readers: null,
  requests_in_flight: null,
});
