import { Injectable } from '@nestjs/common';
import { eventTypes, type AuditRecord, type DomainEvent, type OutboxData } from '@taai/contracts';
import { RlsPool, sql } from '@taai/entities';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';

/** The events that the fleet itself waits for, by who consumes them: conditions on a row `o` of the outbox. */
const consumed = {
  reply: `o.type in ('agent.run.completed', 'agent.run.failed', 'agent.run.cancelled')
    and o.payload #>> '{data,conversation_id}' is not null`,
  audit: `o.type = 'audit.recorded'`,
  mail: `o.type = 'mail.requested'`,
};
export type ConsumerName = keyof typeof consumed;

/** An event that an endpoint or a consumer waits for. */
export interface WantedEvent {
  id: string;
  consumer: ConsumerName | null;
  /** The run that has ended, for the consumer `reply`; null for the others, who read what they need. */
  run: OutboxData['agent.run.completed' | 'agent.run.failed' | 'agent.run.cancelled'] | null;
  /** Endpoints that subscribe to it. */
  webhook_ids: string[];
}

/** Claims after which an event is left alone: with the waits between them, some five hours. */
export const MAX_CLAIMS = 16;
const MAX_WAIT_SECONDS = 3600;

const whens = Object.entries(consumed).map(([name, condition]) => `when ${condition} then '${name}'`);

/**
 * Deletes the events that nobody waits for, and returns the others: all parts of the statement see the same rows. Parameters:
 * the ids; the types that may leave the fleet.
 */
const DROP_UNWANTED = sql(`
  with event as (
    select o.id, o.payload, case ${whens.join(' ')} end as consumer,
      array(select w.id from webhooks w where w.is_active and o.type = any (w.events) and o.type = any ($2)) as webhook_ids
    from outbox o where o.id = any ($1)
  ), wanted as (
    select id, webhook_ids, consumer, case when consumer = 'reply' then payload -> 'data' end as run
    from event where consumer is not null or cardinality(webhook_ids) > 0
  ), dropped as (
    delete from outbox where id = any ($1) and id not in (select id from wanted)
  )
  select * from wanted order by id`);

/** Parameters: for each delivery its id, endpoint and event; the events that are done with. */
const FAN_OUT = sql(`
  with wanted as (
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as w (id, webhook_id, event_id)
  ), done as (
    delete from outbox where id = any ($4)
  )
  insert into webhook_deliveries (tenant_id, id, webhook_id, event_id, event_type, payload)
  select o.tenant_id, w.id, w.webhook_id, o.id, o.type, o.payload from wanted w join outbox o on o.id = w.event_id
  on conflict (tenant_id, webhook_id, event_id) do nothing`);

const DROP = sql('delete from outbox where id = any ($1)');

/** The wait doubles each time. Audit entries are never given up, because the audit log must have no gaps. */
const DEFER = sql(`
  update outbox set claimed_until = case
    when attempts >= ${MAX_CLAIMS} and type <> 'audit.recorded' then 'infinity'
    else now() + make_interval(secs => least(2 ^ least(attempts, ${MAX_CLAIMS}), ${MAX_WAIT_SECONDS}))
  end
  where id = any ($1) returning id, type, attempts, claimed_until = 'infinity' as is_given_up`);

const AUDIT = sql(`select payload from outbox where type = 'audit.recorded' and id <= $1 order by id limit $2`);

export interface Deferred {
  id: string;
  type: string;
  attempts: number;
  is_given_up: boolean;
}

const CLAIM = sql('select tenant_id, id from claim_outbox($1, $2)');

/** Which event of which tenant. */
export interface EventRef {
  tenant_id: string;
  id: string;
}

@Injectable()
export class OutboxRepository {
  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
  ) {}

  /** Leases up to `limit` events to this relay: of all tenants, who take turns, each one's oldest. */
  claim(limit: number, leaseSeconds: number): Promise<EventRef[]> {
    return this.db.query<EventRef[]>(CLAIM, [limit, leaseSeconds]);
  }

  /** Drops the events that nobody waits for; resolves to the others. */
  dropUnwanted(ids: readonly string[]): Promise<WantedEvent[]> {
    return this.rls.write<WantedEvent>(DROP_UNWANTED, [ids, eventTypes]);
  }

  /** Makes the deliveries of events, one per event and endpoint however often it is asked, and drops the events in `done`. */
  async fanOut(events: readonly WantedEvent[], done: readonly string[]): Promise<void> {
    const pairs = events.flatMap(({ id, webhook_ids }) => webhook_ids.map((webhook_id) => ({ id, webhook_id })));
    await this.rls.write(FAN_OUT, [
      pairs.map(() => v7()),
      pairs.map(({ webhook_id }) => webhook_id),
      pairs.map(({ id }) => id),
      done,
    ]);
  }

  async drop(ids: readonly string[]): Promise<void> {
    await this.rls.write(DROP, [ids]);
  }

  /** The tenant's audit entries up to an id, whoever claimed them: oldest first, at most `limit`. */
  async auditEntries(upTo: string, limit: number): Promise<AuditRecord[]> {
    const rows = await this.rls.read<{ payload: DomainEvent & { data: Omit<AuditRecord, 'id' | 'created_at'> } }>(
      AUDIT,
      [upTo, limit],
    );
    return rows.map(({ payload: { id, created_at, data } }) => ({ ...data, id, created_at }));
  }

  /** Leaves events for later; those that were claimed too often already, for ever. */
  defer(ids: readonly string[]): Promise<Deferred[]> {
    return this.rls.write<Deferred>(DEFER, [ids]);
  }
}
