import { Injectable } from '@nestjs/common';
import { RlsPool } from '@taai/entities';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';

/** An event that is more than dropped. */
export interface Remaining {
  id: string;
  /** The run whose answer is to be written into its conversation, for the events that end one. */
  run_id: string | null;
  conversation_id: string | null;
  /** Endpoints that subscribe to it. */
  webhook_ids: string[];
  /** Asks for a mail. */
  is_mail: boolean;
}

/** Claims after which an event is left alone: with the waits between them, some five hours. */
export const MAX_CLAIMS = 16;
const MAX_WAIT_SECONDS = 3600;

/**
 * Events that nobody waits for go in the statement that finds out. Parameter: the ids. All parts of the statement see the same
 * rows, so what is not dropped is returned.
 */
const SIFT = `
  with event as (
    select o.id, o.type = 'mail.requested' as is_mail,
      case when o.type in ('agent.run.completed', 'agent.run.failed') then o.payload -> 'data' end as run,
      array(select w.id from webhooks w where w.is_active and o.type = any (w.events)) as webhook_ids
    from outbox o where o.id = any ($1)
  ), remaining as (
    select id, is_mail, webhook_ids, run ->> 'run_id' as run_id, run ->> 'conversation_id' as conversation_id
    from event where is_mail or run ->> 'conversation_id' is not null or cardinality(webhook_ids) > 0
  ), dropped as (
    delete from outbox where id = any ($1) and id not in (select id from remaining)
  )
  select * from remaining order by id`;

/** Parameters: for each delivery its id, endpoint and event; the events that are done with. */
const FAN_OUT = `
  with wanted as (
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as w (id, webhook_id, event_id)
  ), done as (
    delete from outbox where id = any ($4)
  )
  insert into webhook_deliveries (tenant_id, id, webhook_id, event_id, event_type, payload, next_attempt_at)
  select o.tenant_id, w.id, w.webhook_id, o.id, o.type, o.payload, now() from wanted w join outbox o on o.id = w.event_id
  on conflict (tenant_id, webhook_id, event_id) do nothing
  returning id`;

/** Twice as long each time. */
const DEFER = `
  update outbox set claimed_until = case
    when attempts >= ${MAX_CLAIMS} then 'infinity'
    else now() + make_interval(secs => least(2 ^ attempts, ${MAX_WAIT_SECONDS}))
  end
  where id = any ($1) returning id, type, attempts`;

@Injectable()
export class OutboxRepository {
  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
  ) {}

  /** Leases up to `limit` events of all tenants to this relay: their ids by tenant, oldest first. */
  async claim(limit: number, leaseSeconds: number): Promise<Map<string, string[]>> {
    const sql = 'select tenant_id, id from claim_outbox($1, $2)';
    const rows = await this.db.query<{ tenant_id: string; id: string }[]>(sql, [limit, leaseSeconds]);
    const byTenant = Map.groupBy(rows, ({ tenant_id }) => tenant_id);
    return new Map([...byTenant].map(([tenant_id, events]) => [tenant_id, events.map(({ id }) => id)]));
  }

  /** Drops the events that nobody waits for; resolves to the others. */
  sift(ids: readonly string[]): Promise<Remaining[]> {
    return this.rls.query<Remaining>('outbox_sift', SIFT, [ids]);
  }

  /**
   * Makes the deliveries of events, one per event and endpoint however often it is asked, and drops the events in `done`.
   * Resolves to the ids of those that are new.
   */
  async fanOut(events: readonly Remaining[], done: readonly string[]): Promise<string[]> {
    const pairs = events.flatMap(({ id, webhook_ids }) => webhook_ids.map((webhook_id) => ({ id, webhook_id })));
    const made = await this.rls.query<{ id: string }>('outbox_fan_out', FAN_OUT, [
      pairs.map(() => v7()),
      pairs.map(({ webhook_id }) => webhook_id),
      pairs.map(({ id }) => id),
      done,
    ]);
    return made.map(({ id }) => id);
  }

  async drop(ids: readonly string[]): Promise<void> {
    await this.rls.query('outbox_drop', 'delete from outbox where id = any ($1)', [ids]);
  }

  /** Leaves events for later; those that were claimed too often already, for ever. */
  defer(ids: readonly string[]): Promise<{ id: string; type: string; attempts: number }[]> {
    return this.rls.query('outbox_defer', DEFER, [ids]);
  }
}
