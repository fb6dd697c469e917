import { InjectQueue } from '@nestjs/bull';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { log } from '@taai/platform';
import type { Queue } from 'bull';
import { MAILS } from '../bull-redis';
import type { MailRef } from './mail.repository';

/**
 * Wakes a replica to send mails. The outbox decides what is sent: a job that is lost is added again by the relay, one too many
 * finds nothing to do. So nothing here fails.
 */
@Injectable()
export class MailQueue implements BeforeApplicationShutdown {
  constructor(@InjectQueue(MAILS) private readonly queue: Queue<MailRef>) {}

  /** What waits or is being sent already is not added. */
  async wake(mails: readonly MailRef[]): Promise<void> {
    await this.queue.addBulk(mails.map((data) => ({ data, opts: { jobId: data.id } }))).catch(unlessRelayed);
  }

  /** Waits for the mails under way. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.queue.close();
  }
}

const unlessRelayed = (error: unknown) =>
  log.warn({ err: error }, 'mails could not be queued: the relay will do it again');
