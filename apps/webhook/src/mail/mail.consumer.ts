import { Injectable } from '@nestjs/common';
import { currentCaller } from '@taai/tenant';
import type { Consumer } from '../outbox/consumer';
import { MailQueue } from './mail.queue';
import { MailRepository } from './mail.repository';
import type { WantedEvent } from '../outbox/outbox.repository';

/** Queues the mails of events. They stay in the outbox until they are sent. */
@Injectable()
export class MailConsumer implements Consumer {
  readonly isBatched = true;

  constructor(
    private readonly mails: MailRepository,
    private readonly queue: MailQueue,
  ) {}

  async consume(events: readonly WantedEvent[]): Promise<string[]> {
    const { tenant_id } = currentCaller();
    await this.mails.queued(events.map(({ id }) => id));
    await this.queue.wake(events.map(({ id }) => ({ tenant_id, id })));
    return [];
  }
}
