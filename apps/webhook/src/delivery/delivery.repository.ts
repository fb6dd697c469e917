import { Injectable } from '@nestjs/common';
import type { DeliveryStatus, DomainEvent, WebhookDelivery } from '@taai/contracts';
import { RlsPool, withTenant, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';
import { MAX_ATTEMPTS } from './retry-schedule';

/** One delivery, wherever it is named across tenants: in jobs and by the resolver. */
export interface DeliveryRef {
  tenant_id: string;
  id: string;
}

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
const MAX_OPEN = 4;

/** An attempt that has not ended by then lost its process. Longer than any attempt takes. */
const LEASE_SECONDS = 30;

/** What did not get one of the endpoint's places is looked at again after this, if no attempt that ends wakes it before. */
const BUSY_SECONDS = 30;

/** A first attempt is never early: all that it waits for is a place. */
const ready = `(status = 'pending' and (attempts = 0 or next_attempt_at <= now())
  or status = 'delivering' and next_attempt_at <= now())`;

const columns = `id, webhook_id, event_id, event_type, status, attempts, next_attempt_at, last_status_code, last_error, created_at,
  delivered_at`;

type Target = Pick<Attempt, 'attempts' | 'webhook_id' | 'url' | 'secret_ciphertext'> & { is_active: boolean };

@Injectable()
export class DeliveryRepository {
  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
  ) {}

  /**
   * Takes a delivery for one attempt. Undefined when it is not to be attempted now: it has ended, another replica has it, it is
   * not due, or its endpoint has all places taken.
   */
  claim(id: string): Promise<Attempt | undefined> {
    return withTenant(this.db, async (tx) => {
      const target = await this.lockTarget(tx, id);
      if (!target) return undefined;
      const { is_active, ...rest } = target;
      if (!is_active) return this.giveUp(tx, id, 'The endpoint is not active.');
      if (target.attempts >= MAX_ATTEMPTS) return this.giveUp(tx, id, 'The last attempt did not end.');
      // The upper bound keeps the count from later attempts; it is twice the lease, because who began later may have been faster.
      const [taken] = await tx.query<Pick<Attempt, 'id' | 'attempts' | 'payload'>[]>(
        `with taken as (
           update webhook_deliveries
           set status = 'delivering', attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => $3)
           where id = $1 and ${ready} and $4 > (
             select count(*) from webhook_deliveries
             where webhook_id = $2 and status = 'delivering'
               and next_attempt_at > now() and next_attempt_at <= now() + make_interval(secs => 2 * $3)
           ) returning id, attempts, payload
         ) select * from taken`,
        [id, target.webhook_id, LEASE_SECONDS, MAX_OPEN],
      );
      if (!taken) await this.postpone(tx, id);
      return taken && { ...rest, ...taken };
    });
  }

  /**
   * Ends an attempt, unless it took so long that another one has begun. Resolves to deliveries that wait for the endpoint's
   * place; undefined when the attempt was not the delivery's newest.
   */
  async finish({ id, attempts, webhook_id }: Attempt, ending: Ending): Promise<string[] | undefined> {
    const ended = await this.rls.write(
      `update webhook_deliveries
       set status = $3, next_attempt_at = now() + make_interval(secs => $4), last_status_code = $5, last_error = $6,
         delivered_at = case when $3 = 'delivered' then now() end
       where id = $1 and attempts = $2 and status = 'delivering' returning id`,
      [id, attempts, ending.status, seconds(ending.retry_ms), ending.status_code, ending.error],
    );
    return ended.length === 1 ? this.waiting(webhook_id) : undefined;
  }

  /** Newest first. */
  page(webhook_id: string, after: string | undefined, limit: number): Promise<WebhookDelivery[]> {
    return this.rls.read<WebhookDelivery>(
      `select ${columns} from webhook_deliveries
       where webhook_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3`,
      [webhook_id, after ?? null, limit],
    );
  }

  /** Of all tenants, most overdue first. */
  due(limit: number): Promise<DeliveryRef[]> {
    return this.db.query<DeliveryRef[]>('select tenant_id, id from due_deliveries($1)', [limit]);
  }

  /** Where a delivery that can be attempted goes. Until the transaction ends nobody else takes one of the endpoint's places. */
  private async lockTarget(tx: Tx, id: string): Promise<Target | undefined> {
    const [target] = await tx.query<Target[]>(
      `select d.attempts, w.id as webhook_id, w.url, w.secret_ciphertext, w.is_active
       from (select * from webhook_deliveries where id = $1 and ${ready}) d
       join webhooks w on w.tenant_id = d.tenant_id and w.id = d.webhook_id
       for no key update of w`,
      [id],
    );
    return target;
  }

  private async giveUp(tx: Tx, id: string, reason: string): Promise<undefined> {
    await tx.query(
      `update webhook_deliveries set status = 'failed', next_attempt_at = null, last_error = $2 where id = $1 and ${ready}`,
      [id, reason],
    );
  }

  private async postpone(tx: Tx, id: string): Promise<void> {
    await tx.query(
      `update webhook_deliveries set next_attempt_at = now() + make_interval(secs => $2) where id = $1 and ${ready}`,
      [id, BUSY_SECONDS],
    );
  }

  private async waiting(webhook_id: string): Promise<string[]> {
    const rows = await this.rls.read<{ id: string }>(
      `select id from webhook_deliveries
       where webhook_id = $1 and status = 'pending' and (attempts = 0 or next_attempt_at <= now())
         and next_attempt_at <= now() + make_interval(secs => $2)
       order by next_attempt_at limit $3`,
      [webhook_id, BUSY_SECONDS, MAX_OPEN],
    );
    return rows.map(({ id }) => id);
  }
}

const seconds = (ms: number | undefined) => (ms === undefined ? null : ms / 1000);
