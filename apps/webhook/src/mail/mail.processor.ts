import { OnQueueError, OnQueueFailed, Process, Processor } from '@nestjs/bull';
import { log, reportError } from '@taai/platform';
import type { Job } from 'bull';
import { BullRedis, MAILS } from '../bull-redis';
import type { MailRef } from './mail.repository';
import { MailService } from './mail.service';
import { MAILS_AT_ONCE } from './mailer';

@Processor(MAILS)
export class MailProcessor {
  constructor(
    private readonly mails: MailService,
    private readonly redis: BullRedis,
  ) {}

  @Process({ concurrency: MAILS_AT_ONCE })
  send({ data }: Job<MailRef>): Promise<void> {
    return this.mails.send(data);
  }

  @OnQueueFailed()
  onFailed({ data }: Job<MailRef>, error: unknown): void {
    reportError(error, { outbox_id: data.id, tenant_id: data.tenant_id });
  }

  /** Logs nothing while Redis is away: the connections log that themselves. */
  @OnQueueError()
  onError(error: unknown): void {
    if (this.redis.isReady()) log.warn({ err: error }, 'the queue of mails has failed');
  }
}
