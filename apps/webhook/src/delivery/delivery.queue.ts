import { InjectQueue } from '@nestjs/bull';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { log } from '@taai/platform';
import type { Queue } from 'bull';
import { DELIVERIES } from '../bull-redis';
import type { DeliveryRef } from './delivery.repository';

/**
 * Wakes a replica to attempt deliveries. The database decides what is attempted: a job that is lost is added again by the sweep,
 * one too many finds nothing to do. So nothing here fails.
 */
@Injectable()
export class DeliveryQueue implements BeforeApplicationShutdown {
  constructor(@InjectQueue(DELIVERIES) private readonly queue: Queue<DeliveryRef>) {}

  /** At once; what waits already waits once. */
  async wake(deliveries: readonly DeliveryRef[]): Promise<void> {
    if (deliveries.length === 0) return;
    await this.queue.addBulk(deliveries.map((data) => ({ data, opts: { jobId: data.id } }))).catch(unlessSwept);
  }

  /** In `delay` milliseconds, after `attempts` attempts: under an id of its own, because the job of this attempt still exists. */
  async wakeLater(delivery: DeliveryRef, attempts: number, delay: number): Promise<void> {
    await this.queue.add(delivery, { jobId: `${delivery.id}.${attempts}`, delay }).catch(unlessSwept);
  }

  /** Waits for the attempts under way. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.queue.close();
  }
}

const unlessSwept = (error: unknown) =>
  log.warn({ err: error }, 'deliveries could not be queued: the sweep will do it');
