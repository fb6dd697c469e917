import { Type } from 'class-transformer';
import { IsInt, IsISO8601, IsString, ValidateNested } from 'class-validator';
import { contract } from './contract';
import { Describe } from './schema/describe';
import { Empty, Nullable, type Timestamp } from './fields';

export class LimitUse {
  @Describe(
    'What is limited: `tenant`, `user`, a route (requests), `tokens`, `active_runs`, `open_streams`, `door_calls`, `sse_readers`, `requests_in_flight` or `stored_file_bytes`.',
    'tenant',
  )
  @IsString()
  scope: string;

  @Describe('The limit; null: there is none.', 100)
  @Nullable()
  @IsInt()
  limit: number | null;

  @Describe('In how many seconds so many may be taken; null: so many may be there at once.', 60)
  @Nullable()
  @IsInt()
  window_seconds: number | null;

  @Describe('How many are left now; null: there is no limit, or nobody has counted.', 57)
  @Nullable()
  @IsInt()
  remaining: number | null;

  @Describe('When all are there again, if nothing is taken until then; null where nothing comes back by time alone.')
  @Nullable()
  @IsISO8601()
  reset_at: Timestamp | null;
}

export class LimitUses {
  @Describe('One for each limit.')
  @ValidateNested({ each: true })
  @Type(() => LimitUse)
  data: LimitUse[];
}

/** The gateway answers it by itself. */
export const limitUseContract = contract('usage.limit', {
  list: {
    summary: "Show the caller's use against every limit",
    description:
      "Limits of requests are the tenant's, the user's, and those of single routes; limits of tokens the tenant's. They fill up again all the time. It takes nothing from the tenant's and the user's limits. Requests beyond a limit are answered `rate_limited` (429) with `Retry-After`.",
    http: 'GET /v1/usage/limits',
    access: 'authenticated',
    input: Empty,
    output: LimitUses,
    custom: true,
    limit: { per_minute: 120, alone: true },
    effect: 'safe',
  },
});
