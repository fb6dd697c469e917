import { OnQueueError, OnQueueFailed, Process, Processor } from '@nestjs/bull';
import { log, reportError } from '@taai/platform';
import type { Job } from 'bull';
import { BullRedis, DELIVERIES } from '../bull-redis';
import type { DeliveryRef } from './delivery.repository';
import { DeliveryService } from './delivery.service';

/** Attempts of one process at once. */
const CONCURRENCY = 32;

@Processor(DELIVERIES)
export class DeliveryProcessor {
  constructor(
    private readonly deliveries: DeliveryService,
    private readonly redis: BullRedis,
  ) {}

  @Process({ concurrency: CONCURRENCY })
  attempt({ data }: Job<DeliveryRef>): Promise<void> {
    return this.deliveries.attempt(data);
  }

  @OnQueueFailed()
  onFailed({ data }: Job<DeliveryRef>, error: unknown): void {
    reportError(error, { delivery_id: data.id, tenant_id: data.tenant_id });
  }

  /** Logs nothing while Redis is away: the connections log that themselves. */
  @OnQueueError()
  onError(error: unknown): void {
    if (this.redis.isReady()) log.warn({ err: error }, 'the queue of deliveries has failed');
  }
}
