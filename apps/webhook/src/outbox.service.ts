import { Inject, Injectable } from '@nestjs/common';
import { ProblemError } from '@taai/contracts';
import { log } from '@taai/platform';
import { currentCaller, runAs } from '@taai/tenant';
import { DatabaseError } from 'pg';
import { REPLIES, type Replies } from './chat';
import { DeliveryQueue } from './delivery.queue';
import { MailQueue } from './mail.queue';
import { MailRepository } from './mail.repository';
import { MAX_CLAIMS, OutboxRepository, type Remaining } from './outbox.repository';

/** Calls to chat under way. While chat does not answer they end by their deadlines; events beyond are left for later. */
const MAX_SETTLING = 64;

/** What becomes of events: deliveries to the endpoints that subscribe, the answers of runs written into conversations, and mails. */
@Injectable()
export class OutboxService {
  private readonly settling = new Set<Promise<void>>();

  constructor(
    private readonly outbox: OutboxRepository,
    private readonly queue: DeliveryQueue,
    private readonly mails: MailRepository,
    private readonly mailQueue: MailQueue,
    @Inject(REPLIES) private readonly replies: Replies,
  ) {}

  /** Never throws: what fails is left for later, by itself if it fails among others. */
  dispatch(tenant_id: string, ids: string[]): Promise<void> {
    return runAs({ tenant_id, permissions: [], issuer: 'webhook' }, () => this.dispatchAll(ids));
  }

  /** Resolves when no call to chat is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.settling);
  }

  private async dispatchAll(ids: string[]): Promise<void> {
    try {
      const remaining = await this.outbox.sift(ids);
      await this.deliver(remaining.filter(({ webhook_ids }) => webhook_ids.length > 0));
      await this.handOver(remaining.filter(({ is_mail }) => is_mail).map(({ id }) => id));
      for (const event of remaining) this.startSettling(event);
    } catch (error) {
      if (ids.length > 1 && isRefusal(error)) for (const id of ids) await this.dispatchAll([id]);
      else await this.defer(ids, error);
    }
  }

  private async deliver(events: Remaining[]): Promise<void> {
    if (events.length === 0) return;
    const done = events.filter(({ conversation_id }) => conversation_id === null).map(({ id }) => id);
    const made = await this.outbox.fanOut(events, done);
    const { tenant_id } = currentCaller();
    await this.queue.wake(made.map((id) => ({ tenant_id, id })));
  }

  /** Mails stay in the outbox until they are sent. */
  private async handOver(mails: string[]): Promise<void> {
    if (mails.length === 0) return;
    await this.mails.queued(mails);
    const { tenant_id } = currentCaller();
    await this.mailQueue.wake(mails.map((id) => ({ tenant_id, id })));
  }

  /** Not waited for: one chat that hangs must not keep other events back. */
  private startSettling({ id, conversation_id, run_id }: Remaining): void {
    if (conversation_id === null || run_id === null) return;
    const work =
      this.settling.size < MAX_SETTLING
        ? this.settle(id, { conversation_id, run_id })
        : this.defer([id], new ProblemError('overloaded'));
    const settling = work.finally(() => this.settling.delete(settling));
    this.settling.add(settling);
  }

  private async settle(id: string, reply: { conversation_id: string; run_id: string }): Promise<void> {
    try {
      await this.replies.settle(reply).catch(unlessGone);
      await this.outbox.drop([id]);
    } catch (error) {
      await this.defer([id], error);
    }
  }

  private async defer(ids: string[], reason: unknown): Promise<void> {
    try {
      for (const event of await this.outbox.defer(ids)) {
        if (event.attempts < MAX_CLAIMS) log.warn({ reason: String(reason), event }, 'an event is left for later');
        else log.error({ err: reason, event }, 'an event is given up: set its claimed_until to null to try it again');
      }
    } catch (error) {
      log.error({ err: error, ids }, 'events keep their lease until it ends: the database does not answer');
    }
  }
}

/** The database refused a value: one event's fault, and none of the others'. */
const isRefusal = (error: unknown) => error instanceof DatabaseError && /^2[23]/.test(error.code ?? '');

/** The conversation was deleted, or the run never became one of it: there is nothing to write. */
function unlessGone(error: unknown): void {
  if (!(error instanceof ProblemError && error.code === 'not_found')) throw error;
}
