import { setTimeout as delay } from 'node:timers/promises';
import { log, messageOf, type RedisClient, type RedisRole } from '@taai/platform';

const RETRY_MS = 500;

export type Connect = (role: RedisRole) => RedisClient;

/**
 * As much of ioredis as the Redis streams adapter of Socket.IO uses. The adapter waits for nothing that it sends and reads on at once when
 * reading fails: without Redis its promises would end the process, or keep it busy. Here they wait, or come to nothing: what is sent this
 * way (who is there, who types) is said again, or expires.
 */
export class AdapterRedis {
  /** Read by the adapter. */
  readonly options = { lazyConnect: false };
  private own: RedisClient | undefined;
  /** Where reading begins: `$` would lose what is written between two reads. */
  private from: string | undefined;

  /** @param commands Nobody else's to close. */
  constructor(
    private readonly commands: RedisClient,
    private readonly connect: Connect,
  ) {}

  duplicate(): AdapterRedis {
    return new AdapterRedis(this.commands, this.connect);
  }

  on(event: 'error' | 'messageBuffer', listener: (channel: Buffer, payload: Buffer) => void): void {
    // Connections log their errors themselves.
    if (event === 'messageBuffer') this.connection('subscriber').on(event, listener);
  }

  async subscribe(channels: string[]): Promise<void> {
    const subscriber = this.connection('subscriber');
    const subscribe = () => void subscriber.subscribe(...channels).catch(forget);
    subscriber.on('ready', subscribe);
    if (subscriber.status === 'ready') subscribe();
  }

  async publish(channel: string, payload: Buffer): Promise<number> {
    return (await this.commands.publish(channel, payload).catch(forget)) ?? 0;
  }

  /** @returns the id of the entry, by which a client that was cut off names what it has; an empty one when it was not written. */
  async xadd([stream = '', ...values]: string[]): Promise<string> {
    return (
      (await this.commands
        .call('xadd', stream, ...values)
        .then(String)
        .catch(forget)) ?? ''
    );
  }

  xrange(stream: string, start: string, end: string) {
    return this.commands.xrange(stream, start, end);
  }

  multi() {
    return this.commands.multi();
  }

  async set(key: string, value: string, _unit: 'PX', ms: number): Promise<void> {
    await this.commands.set(key, value, 'PX', ms).catch(forget);
  }

  /** `BLOCK ms COUNT n STREAMS key id`, as the adapter writes it. */
  async xread(...[, block, , count, , stream, after]: [string, number, string, number, string, string, string]) {
    try {
      const from = after === '$' ? (this.from ??= await this.end(stream)) : after;
      return await this.connection('blocking').xread('COUNT', count, 'BLOCK', block, 'STREAMS', stream, from);
    } catch (error) {
      forget(error);
      await delay(RETRY_MS);
      return null;
    }
  }

  disconnect(): void {
    this.own?.disconnect();
  }

  private async end(stream: string): Promise<string> {
    const [last] = await this.commands.xrevrange(stream, '+', '-', 'COUNT', 1);
    return last?.[0] ?? '0-0';
  }

  private connection(role: RedisRole): RedisClient {
    return (this.own ??= this.connect(role));
  }
}

function forget(error: unknown): undefined {
  log.debug({ reason: messageOf(error) }, 'sockets are told nothing across gateways');
}
