import { Injectable } from '@nestjs/common';
import type { DeliveryStatus, DomainEvent, WebhookDelivery } from '@taai/contracts';
import { RlsPool, sql, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';

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

/** A delivery that can be attempted. A first attempt is never early: all that it waits for is a place. */
const ready = `(status = 'pending' and (attempts = 0 or next_attempt_at <= now())
  or status = 'delivering' and next_attempt_at <= now())`;

const LOCK_TARGET = sql(`
  select d.attempts, w.id as webhook_id, w.url, w.secret_ciphertext, w.is_active
  from (select * from webhook_deliveries where id = $1 and ${ready}) d
  join webhooks w on w.tenant_id = d.tenant_id and w.id = d.webhook_id
  for no key update of w`);

// The upper bound keeps the count from later attempts; it is twice the lease, because who began later may have been faster.
const TAKE = sql(`
  update webhook_deliveries
  set status = 'delivering', attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => ${LEASE_SECONDS})
  where id = $1 and ${ready} and ${MAX_OPEN} > (
    select count(*) from webhook_deliveries
    where webhook_id = $2 and status = 'delivering'
      and next_attempt_at > now() and next_attempt_at <= now() + make_interval(secs => ${2 * LEASE_SECONDS})
  ) returning id, attempts, payload`);

const GIVE_UP = sql(`
  update webhook_deliveries set status = 'failed', next_attempt_at = null, last_error = $2 where id = $1 and ${ready}`);

const POSTPONE = sql(`
  update webhook_deliveries set next_attempt_at = now() + make_interval(secs => ${BUSY_SECONDS})
  where id = $1 and ${ready}`);

const FINISH = sql(`
  update webhook_deliveries
  set status = $3, next_attempt_at = now() + make_interval(secs => $4), last_status_code = $5, last_error = $6,
    delivered_at = case when $3 = 'delivered' then now() end
  where id = $1 and attempts = $2 and status = 'delivering' returning id`);

const WAITING = sql(`
  select id from webhook_deliveries
  where webhook_id = $1 and status = 'pending' and (attempts = 0 or next_attempt_at <= now())
    and next_attempt_at <= now() + make_interval(secs => ${BUSY_SECONDS})
  order by next_attempt_at limit ${MAX_OPEN}`);

const PAGE = sql(`
  select id, webhook_id, event_id, event_type, status, attempts, next_attempt_at, last_status_code, last_error, created_at,
    delivered_at
  from webhook_deliveries where webhook_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3`);

const DUE = sql('select tenant_id, id from due_deliveries($1)');

/** Where a delivery goes that can be attempted, after `attempts` attempts. */
export type Target = Pick<Attempt, 'attempts' | 'webhook_id' | 'url' | 'secret_ciphertext'> & { is_active: boolean };

@Injectable()
export class DeliveryRepository {
  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
  ) {}

  /**
   * Resolves to undefined when the delivery can't be attempted now. Until the transaction ends nobody else takes one of the
   * endpoint's places.
   */
  async lockTarget(tx: Tx, id: string): Promise<Target | undefined> {
    const [target] = await tx.read<Target>(LOCK_TARGET, [id]);
    return target;
  }

  /** Begins an attempt. Resolves to undefined when another replica has it, or the endpoint has all places taken. */
  async take(
    tx: Tx,
    id: string,
    webhook_id: string,
  ): Promise<Pick<Attempt, 'id' | 'attempts' | 'payload'> | undefined> {
    const [taken] = await tx.write<Pick<Attempt, 'id' | 'attempts' | 'payload'>>(TAKE, [id, webhook_id]);
    return taken;
  }

  /** Ends a delivery without another attempt. */
  async giveUp(tx: Tx, id: string, reason: string): Promise<undefined> {
    await tx.write(GIVE_UP, [id, reason]);
  }

  /** Leaves a delivery for later that did not get a place. */
  async postpone(tx: Tx, id: string): Promise<undefined> {
    await tx.write(POSTPONE, [id]);
  }

  /**
   * Ends an attempt, unless it took so long that another one has begun. Resolves to deliveries that wait for the endpoint's
   * place; undefined when the attempt was not the delivery's newest.
   */
  async finish({ id, attempts, webhook_id }: Attempt, ending: Ending): Promise<string[] | undefined> {
    const { status, retry_ms, status_code, error } = ending;
    const ended = await this.rls.write(FINISH, [id, attempts, status, seconds(retry_ms), status_code, error]);
    if (ended.length === 0) return undefined;
    const waiting = await this.rls.read<{ id: string }>(WAITING, [webhook_id]);
    return waiting.map((delivery) => delivery.id);
  }

  /** Newest first. */
  page(webhook_id: string, after: string | undefined, limit: number): Promise<WebhookDelivery[]> {
    return this.rls.read<WebhookDelivery>(PAGE, [webhook_id, after ?? null, limit]);
  }

  /** Of all tenants, most overdue first. */
  due(limit: number): Promise<DeliveryRef[]> {
    return this.db.query<DeliveryRef[]>(DUE, [limit]);
  }
}

const seconds = (ms: number | undefined) => (ms === undefined ? null : ms / 1000);
