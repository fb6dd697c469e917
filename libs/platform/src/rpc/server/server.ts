import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import type { BoundMethod, ServiceName } from '@taai/contracts';
import type { ContextTokens } from '../../crypto/context-token';
import type { Fernet } from '../../crypto/fernet';
import type { Observe } from '../wire/in-flight';
import type { ServedMethod } from './executor';
import { Replica } from './replica';
import type { OnError } from './reply-writer';

const DEFAULT_SLOTS = 64;

export interface RpcServerOptions {
  service: ServiceName;
  redisUrl: string;
  tokens: ContextTokens;
  /** Opens what holds secrets; the whole fleet has its keys. */
  fernet: Fernet;
  /** How many ordinary calls the replica works on at once; 64 if absent. */
  slots?: number;
  /** The same for methods that their contract declares `long`. */
  longSlots?: number;
  observe?: Observe;
  /** Told of every error that is no ProblemError; the caller learns only that something was `internal`. */
  onError?: OnError;
}

/** Nest's transport for services: serves the handlers of classes with `@Handles`, each request in exactly one replica. */
export class RpcServer extends Server implements CustomTransportStrategy {
  private replica: Replica | undefined;

  constructor(private readonly options: RpcServerOptions) {
    super();
  }

  /** Calls back without an argument when requests are being taken, or with the reason why not. */
  override listen(callback: (error?: unknown) => void): void {
    this.start().then(() => callback(), callback);
  }

  /** Takes no more requests, finishes those at hand (10 s at most), and leaves. */
  override async close(): Promise<void> {
    await this.replica?.close();
  }

  override on(): never {
    throw new Error('The RPC server has no events.');
  }

  override unwrap(): never {
    throw new Error('The connections of the RPC server are its own.');
  }

  private async start(): Promise<void> {
    const { slots = DEFAULT_SLOTS, longSlots = DEFAULT_SLOTS, observe = ignore, onError = ignore } = this.options;
    const handlers: [string, MessageHandler<unknown, unknown, unknown>][] = [...this.messageHandlers];
    const methods = new Map(handlers.map(([rpc, handler]) => [rpc, this.served(rpc, handler)]));
    this.replica = new Replica({ ...this.options, slots, longSlots, observe, onError, methods });
    await this.replica.start();
  }

  private served(rpc: string, handler: MessageHandler<unknown, unknown, unknown>): ServedMethod {
    const bound: unknown = handler.extras?.['bound'];
    if (!isBound(bound) || bound.service !== this.options.service) {
      throw new Error(
        `${rpc} is no method of a contract of ${this.options.service}: its class needs @Handles(contract).`,
      );
    }
    return {
      method: bound.method,
      handle: handler,
    };
  }
}

const ignore = () => undefined;

const isBound = (value: unknown): value is BoundMethod =>
  typeof value === 'object' && value !== null && 'rpc' in value && 'service' in value && 'method' in value;
