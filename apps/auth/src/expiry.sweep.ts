import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Periodic } from '@taai/platform';
import { ExpiryRepository } from './expiry.repository';

const EVERY_MS = 15 * 60 * 1000;
const BATCH = 1000;

/** Deletes what has expired: sessions, one-time links, access changes, and the answers kept for Idempotency-Keys. */
@Injectable()
export class ExpirySweep implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly sweeping = new Periodic(EVERY_MS, () => this.sweep());
  private stopping = false;

  constructor(private readonly expired: ExpiryRepository) {}

  onApplicationBootstrap(): void {
    this.sweeping.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    await this.sweeping.stop();
  }

  /** Deletes until nothing expired is left. Any number of replicas may do it at once. */
  async sweep(): Promise<void> {
    while (!this.stopping && (await this.expired.deleteExpired(BATCH)) >= BATCH);
  }
}
