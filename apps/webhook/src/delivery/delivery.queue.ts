import { InjectQueue } from '@nestjs/bull';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { log } from '@taai/platform';
import type { Queue } from 'bull';
import { DELIVERIES } from '../bull-redis';
import type { DeliveryRef } from './delivery.repository';

/**
 * Queues jobs that attempt deliveries. The database decides what is attempted: the sweep queues lost jobs again, and a job that
 * is queued twice finds nothing to do. So a failure of the queue is logged and not thrown.
 */
@Injectable()
export class DeliveryQueue implements BeforeApplicationShutdown {
  constructor(@InjectQueue(DELIVERIES) private readonly queue: Queue<DeliveryRef>) {}

  /** Queues attempts to be made now. A delivery that is queued already is queued once. */
  async wake(deliveries: readonly DeliveryRef[]): Promise<void> {
    if (deliveries.length === 0) return;
    await this.queue.addBulk(deliveries.map((data) => ({ data, opts: { jobId: data.id } }))).catch(logFailure);
  }

  /** Queues an attempt in `delay` milliseconds. Its job has an id of its own, because that of attempt number `attempts` still exists. */
  async wakeLater(delivery: DeliveryRef, attempts: number, delay: number): Promise<void> {
    await this.queue.add(delivery, { jobId: `${delivery.id}.${attempts}`, delay }).catch(logFailure);
  }

  /** Waits for the attempts in flight. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.queue.close();
  }
}

const logFailure = (error: unknown) => log.warn({ err: error }, 'deliveries could not be queued: the sweep will do it');
