import type { OnApplicationShutdown } from '@nestjs/common';
import type { RedisClient } from '../redis/redis';

export interface ChannelListener {
  onMessage(message: string): void;
  /** Messages may have been lost until now, and come from now on: after the first subscription and after every new connection. */
  onSubscribed(): void;
}

/** Everything that a process listens to, on one connection. PUBLISH loses messages: no listener may depend on one. */
export class Channels implements OnApplicationShutdown {
  private readonly listeners = new Map<string, Set<ChannelListener>>();

  /** @param connection Of the role `subscriber`, and nobody else's. */
  constructor(private readonly connection: RedisClient) {
    connection.on('message', (channel: string, message: string) => {
      for (const listener of this.listeners.get(channel) ?? []) listener.onMessage(message);
    });
    connection.on('ready', () => {
      this.subscribe([...this.listeners.keys()], () => [...this.listeners.values()].flatMap((set) => [...set]));
    });
  }

  /** @returns a function that ends the listening at once. */
  listen(channel: string, listener: ChannelListener): () => void {
    this.listeners.set(channel, (this.listeners.get(channel) ?? new Set()).add(listener));
    this.subscribe([channel], () => [listener]);
    return () => this.stop(channel, listener);
  }

  onApplicationShutdown(): void {
    this.connection.disconnect();
  }

  // A connection that is not there, or breaks meanwhile, subscribes to everything once it is ready again.
  private subscribe(channels: string[], listeners: () => ChannelListener[]): void {
    if (channels.length === 0 || this.connection.status !== 'ready') return;
    this.connection.subscribe(...channels).then(
      () => listeners().forEach((listener) => listener.onSubscribed()),
      () => undefined,
    );
  }

  private stop(channel: string, listener: ChannelListener): void {
    const listeners = this.listeners.get(channel);
    if (!listeners?.delete(listener) || listeners.size > 0) return;
    this.listeners.delete(channel);
    if (this.connection.status === 'ready') this.connection.unsubscribe(channel).catch(() => undefined);
  }
}
