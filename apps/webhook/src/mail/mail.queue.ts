import { InjectQueue } from '@nestjs/bull';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { log } from '@taai/platform';
import type { Queue } from 'bull';
import { MAILS } from '../bull-redis';
import type { MailRef } from './mail.repository';

/**
 * Queues jobs that send mails. The outbox decides what is sent: the relay queues lost jobs again, and a job that is queued twice
 * finds nothing to do. So a failure of the queue is logged and not thrown.
 */
@Injectable()
export class MailQueue implements BeforeApplicationShutdown {
  constructor(@InjectQueue(MAILS) private readonly queue: Queue<MailRef>) {}

  /** Queues mails to be sent now. A mail that is queued or being sent already is queued once. */
  async wake(mails: readonly MailRef[]): Promise<void> {
    await this.queue.addBulk(mails.map((data) => ({ data, opts: { jobId: data.id } }))).catch(logFailure);
  }

  /** Waits for the mails in flight. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.queue.close();
  }
}

const logFailure = (error: unknown) =>
  log.warn({ err: error }, 'mails could not be queued: the relay will do it again');
