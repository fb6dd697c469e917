import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Periodic } from '@taai/platform';
import { DeliveryQueue } from './delivery.queue';
import { DeliveryRepository } from './delivery.repository';

const EVERY_MS = 10_000;
const BATCH = 500;

/** Wakes deliveries that are overdue: their job was lost, or the process that attempted them. */
@Injectable()
export class DeliverySweep implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly sweeping = new Periodic(EVERY_MS, () => this.sweep());

  constructor(
    private readonly deliveries: DeliveryRepository,
    private readonly queue: DeliveryQueue,
  ) {}

  onApplicationBootstrap(): void {
    this.sweeping.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.sweeping.stop();
  }

  async sweep(): Promise<void> {
    await this.queue.wake(await this.deliveries.due(BATCH));
  }
}
