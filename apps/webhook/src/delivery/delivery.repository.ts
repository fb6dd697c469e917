import { Injectable } from '@nestjs/common';
import type { DeliveryStatus, DomainEvent, WebhookDelivery } from '@taai/contracts';
import { distinctSql, RlsPool, sql } from '@taai/entities';
import { DataSource } from 'typeorm';
import { MAX_ATTEMPTS } from './retry-schedule';

/** A delivery that is being attempted for the `attempts`th time, and where it goes. */
export interface Attempt {
  id: string;
  attempts: number;
  payload: DomainEvent;
  webhook_id: string;
  url: string;
  secret_ciphertext: string;
}

/** What an attempt makes of a delivery. `retry_ms`: milliseconds to the next one, if it is pending. */
export interface Ending {
  status: Exclude<DeliveryStatus, 'delivering'>;
  retry_ms?: number;
  status_code: number | null;
  error: string | null;
}

/** Attempts under way per endpoint, in all replicas together. */
export const MAX_OPEN = 4;

/** An attempt that has not ended by then lost its process. Longer than any attempt takes. */
const LEASE_SECONDS = 30;

/** Deliveries that are given up at once, without a place, because their endpoint is not active. */
const GIVEN_UP_AT_ONCE = 100;

/** A delivery that waits for one of its endpoint's places. */
const inLine = `r.status = 'pending' and r.next_attempt_at is null`;

const WAITING_TENANTS = sql('select tenant_id from delivery_turns($1, $2, $3)');

/**
 * Endpoints take turns by lot, and each is locked while its places are counted: who finds it locked takes another one. `open_deliveries`
 * counts behind the lock what the statement itself, which began before it, may not see.
 */
const CLAIM = sql(`
  with recursive ${distinctSql('lane', { from: 'webhook_deliveries', column: 'webhook_id', where: inLine, then: 'r.created_at' })},
  claimable as materialized (
    select r.id, w.url, w.secret_ciphertext, case
      when not w.is_active then 'The endpoint is not active.'
      when r.attempts >= ${MAX_ATTEMPTS} then 'The last attempt did not end.'
    end as refusal
    from (select webhook_id from lane where webhook_id is not null order by random()) l
    cross join lateral (
      select * from webhooks where id = l.webhook_id for no key update skip locked
    ) w
    cross join lateral (
      select r.id, r.attempts from webhook_deliveries r where r.webhook_id = w.id and ${inLine} order by r.created_at
      limit case when w.is_active then greatest(0, ${MAX_OPEN} - open_deliveries(w.tenant_id, w.id)) else ${GIVEN_UP_AT_ONCE} end
      for update skip locked
    ) r
    limit $1
  ), claimed as (
    update webhook_deliveries d
    set status = case when refusal is null then 'delivering' else 'failed' end,
      attempts = d.attempts + (refusal is null)::integer,
      next_attempt_at = case when refusal is null then now() + make_interval(secs => ${LEASE_SECONDS}) end,
      last_error = coalesce(refusal, d.last_error)
    from claimable c where d.id = c.id
    returning d.id, d.status, d.attempts, d.payload, d.webhook_id, c.url, c.secret_ciphertext
  )
  select id, attempts, payload, webhook_id, url, secret_ciphertext from claimed where status = 'delivering'`);

const FINISH = sql(`
  update webhook_deliveries
  set status = $3, next_attempt_at = now() + make_interval(secs => $4), last_status_code = $5, last_error = $6,
    delivered_at = case when $3 = 'delivered' then now() end
  where id = $1 and attempts = $2 and status = 'delivering'`);

const PAGE = sql(`
  select id, webhook_id, event_id, event_type, status, attempts, next_attempt_at, last_status_code, last_error, created_at,
    delivered_at
  from webhook_deliveries where webhook_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3`);

@Injectable()
export class DeliveryRepository {
  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
  ) {}

  /** Up to `limit` tenants that have something to claim, those behind `after` first. */
  async waitingTenants(after: string, limit: number): Promise<string[]> {
    const rows = await this.db.query<{ tenant_id: string }[]>(WAITING_TENANTS, [after, limit, MAX_OPEN]);
    return rows.map(({ tenant_id }) => tenant_id);
  }

  /** Begins up to `limit` attempts, and ends deliveries that get none any more. Waits for nobody. */
  claim(limit: number): Promise<Attempt[]> {
    return this.rls.write<Attempt>(CLAIM, [limit]);
  }

  /** Ends an attempt, unless it took so long that its delivery went back in line. */
  async finish({ id, attempts }: Attempt, ending: Ending): Promise<void> {
    const { status, retry_ms, status_code, error } = ending;
    await this.rls.write(FINISH, [id, attempts, status, seconds(retry_ms), status_code, error]);
  }

  /** Newest first. */
  page(webhook_id: string, after: string | undefined, limit: number): Promise<WebhookDelivery[]> {
    return this.rls.read<WebhookDelivery>(PAGE, [webhook_id, after ?? null, limit]);
  }
}

const seconds = (ms: number | undefined) => (ms === undefined ? null : ms / 1000);
