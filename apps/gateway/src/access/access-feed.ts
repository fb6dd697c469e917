import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { accessContract } from '@taai/contracts';
import { log, Periodic, RpcClient } from '@taai/platform';
import { runAs } from '@taai/tenant';
import { AccessTokens } from './credentials';
import { GATEWAY, Principals } from './principals';

const POLL_MS = 2000;
const TIMEOUT_MS = 2000;
/**
 * Changes are told again for so long: one that was committed late, or came while its principal was being looked up, is not
 * missed. Longer than a transaction and a look-up take.
 */
const OVERLAP_SECONDS = 10;
const DAY_SECONDS = 86_400;

/** Hears from auth, every two seconds, whose access has ended or changed. */
@Injectable()
export class AccessFeed implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly following = new Periodic(POLL_MS, () => this.poll());
  private readonly access;

  constructor(
    rpc: RpcClient,
    private readonly principals: Principals,
    private readonly tokens: AccessTokens,
  ) {
    this.access = rpc.for(accessContract);
  }

  onApplicationBootstrap(): void {
    this.following.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.following.stop();
  }

  private async poll(): Promise<void> {
    const askedAt = performance.now();
    const seconds = Math.min(DAY_SECONDS, Math.ceil(this.principals.silence / 1000) + OVERLAP_SECONDS);
    try {
      const { changes, is_cut, key_ids } = await runAs(GATEWAY, () =>
        this.access.changes({ seconds }, { timeout_ms: TIMEOUT_MS }),
      );
      // Not waited for: who is watched is looked at again, and one that takes long must not keep the next changes back.
      void this.principals.changed(is_cut ? 'all' : new Set(changes.map(({ id }) => id)), askedAt);
      await this.tokens.follow(key_ids);
    } catch (error) {
      log.warn(
        { reason: String(error), silent_ms: Math.round(this.principals.silence) },
        'access changes are not heard of',
      );
    }
  }
}
