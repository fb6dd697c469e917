import { currentContext, FairShare, NO_TENANT } from '@taai/tenant';
import { Pool, type PoolClient, type PoolConfig } from 'pg';

/** How long work that has no deadline waits for a connection. */
const PATIENCE_MS = 30_000;
/** How many may wait for a connection. */
const QUEUE = 3000;

type OnConnect = (
  error: Error | undefined,
  client: PoolClient | undefined,
  done: (error?: Error | boolean) => void,
) => void;

/**
 * A pool whose connections tenants share by turns. Who waits for one waits until the deadline of its request, and hears `overloaded` when
 * there is none in time.
 */
export class FairPool extends Pool {
  private readonly share: FairShare;
  /** The tenants that connections are in use for. */
  private readonly tenants = new WeakMap<PoolClient, string>();

  constructor(config: PoolConfig & { max: number }) {
    super(config);
    this.share = new FairShare({ places: config.max, queue: QUEUE });
    this.on('release', (_error, client) => this.released(client));
  }

  override connect(): Promise<PoolClient>;
  override connect(callback: OnConnect): void;
  override connect(callback?: OnConnect): Promise<PoolClient> | undefined {
    const connecting = this.take();
    if (!callback) return connecting;
    connecting.then(
      (client) => callback(undefined, client, (error) => client.release(error)),
      (error: Error) => callback(error, undefined, () => undefined),
    );
    return undefined;
  }

  private async take(): Promise<PoolClient> {
    const { caller, deadline = performance.now() + PATIENCE_MS } = currentContext() ?? {};
    const tenant = caller?.tenant_id ?? NO_TENANT;
    if (!this.share.tryEnter(tenant)) await this.share.place(tenant, deadline);
    try {
      const client = await super.connect();
      this.tenants.set(client, tenant);
      return client;
    } catch (error) {
      this.share.leave(tenant);
      throw error;
    }
  }

  /** The place is given on when the pool has its connection back, which it has only behind this event. */
  private released(client: PoolClient): void {
    const tenant = this.tenants.get(client);
    if (tenant === undefined) return;
    this.tenants.delete(client);
    queueMicrotask(() => this.share.leave(tenant));
  }
}
