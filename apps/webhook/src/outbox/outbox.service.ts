import { Inject, Injectable } from '@nestjs/common';
import { ProblemError } from '@taai/contracts';
import { keys, log, REDIS, type RedisClient } from '@taai/platform';
import { runAs } from '@taai/tenant';
import { DatabaseError } from 'pg';
import { AuditConsumer } from './audit.consumer';
import type { Consumer } from './consumer';
import { MailConsumer } from '../mail/mail.consumer';
import { OutboxRepository, type ConsumerName, type WantedEvent } from './outbox.repository';
import { ReplyConsumer } from './reply.consumer';

/** Calls of one consumer that run at once. Calls that hang end by their deadlines; events beyond the limit are left for later. */
const MAX_UNDER_WAY = 64;

/** Dispatches events: it makes deliveries for the endpoints that subscribe, and hands events to the fleet's own consumers. */
@Injectable()
export class OutboxService {
  private readonly underWay = new Map<Promise<void>, Consumer>();
  private readonly consumers: Record<ConsumerName, Consumer>;

  constructor(
    private readonly outbox: OutboxRepository,
    @Inject(REDIS) private readonly redis: RedisClient,
    reply: ReplyConsumer,
    audit: AuditConsumer,
    mail: MailConsumer,
  ) {
    this.consumers = { reply, audit, mail };
  }

  /** Dispatches a tenant's events. Never throws: what fails is left for later, and keeps no other event back. */
  dispatch(tenant_id: string, ids: string[]): Promise<void> {
    return runAs({ tenant_id, permissions: [], issuer: 'webhook' }, () => this.dispatchAll(ids));
  }

  /** Resolves when no consumer is running. */
  async settled(): Promise<void> {
    await Promise.all(this.underWay.keys());
  }

  private async dispatchAll(ids: string[]): Promise<void> {
    try {
      const wanted = await this.outbox.dropUnwanted(ids);
      await this.deliver(wanted.filter(({ webhook_ids }) => webhook_ids.length > 0));
      for (const [name, events] of Map.groupBy(wanted, ({ consumer }) => consumer)) {
        if (name) this.startConsuming(this.consumers[name], events);
      }
    } catch (error) {
      if (ids.length > 1 && isRefusal(error)) for (const id of ids) await this.dispatchAll([id]);
      else await this.defer(ids, error);
    }
  }

  private async deliver(events: WantedEvent[]): Promise<void> {
    if (events.length === 0) return;
    const done = events.filter(({ consumer }) => consumer === null).map(({ id }) => id);
    await this.outbox.fanOut(events, done);
    this.redis
      .publish(keys.deliveriesWake(), '')
      .catch((error: unknown) => log.debug({ err: error }, 'no worker was woken'));
  }

  /** Starts a consumer without waiting for it: one service that hangs must not keep other events back. */
  private startConsuming(consumer: Consumer, events: WantedEvent[]): void {
    for (const batch of consumer.isBatched ? [events] : events.map((event) => [event])) {
      const work = this.consume(consumer, batch).finally(() => this.underWay.delete(work));
      this.underWay.set(work, consumer);
    }
  }

  private async consume(consumer: Consumer, events: WantedEvent[]): Promise<void> {
    const ids = events.map(({ id }) => id);
    try {
      if (this.isBusy(consumer)) throw new ProblemError('overloaded');
      const done = await consumer.consume(events);
      if (done.length > 0) await this.outbox.drop(done);
    } catch (error) {
      await this.defer(ids, error);
    }
  }

  private isBusy(consumer: Consumer): boolean {
    return [...this.underWay.values()].filter((one) => one === consumer).length >= MAX_UNDER_WAY;
  }

  private async defer(ids: string[], reason: unknown): Promise<void> {
    try {
      for (const { is_given_up, ...event } of await this.outbox.defer(ids)) {
        if (!is_given_up) log.warn({ reason: String(reason), event }, 'an event is left for later');
        else log.error({ err: reason, event }, 'an event is given up: set its claimed_until to null to try it again');
      }
    } catch (error) {
      log.error({ err: error, ids }, 'events keep their lease until it ends: the database does not answer');
    }
  }
}

/** Tells whether the database refused a value, which is the fault of one event alone. */
const isRefusal = (error: unknown) => error instanceof DatabaseError && /^2[23]/.test(error.code ?? '');
