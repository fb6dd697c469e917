import type { ProblemError } from '@taai/contracts';
import { ReplyError } from 'ioredis';
import { keys } from '../../redis/keys';
import { encodeRequest } from '../wire/envelope';
import type { Link } from '../wire/link';
import { isRepeatable, overloaded, unavailable, type PendingCall } from './pending-call';
import { TickBuffer } from '../wire/tick-buffer';

/** Longer than any deadline: what is left of a service that has been down for so long serves nobody. */
const LIST_TTL_MS = 900_000;

export interface RequestWriterOptions {
  link: Link;
  /** How many requests may wait in one list. */
  maxQueue: number;
  fail: (call: PendingCall, problem: ProblemError) => void;
}

/** Puts calls into the lists of their services: those of one tick, service and lane in one command. */
export class RequestWriter {
  private readonly buffer: TickBuffer<PendingCall>;

  constructor(private readonly options: RequestWriterOptions) {
    const write = (list: string, calls: PendingCall[]) => void this.push(list, calls);
    this.buffer = new TickBuffer({ link: options.link, sizeOf: ({ body }) => body.length, write });
  }

  send(call: PendingCall): void {
    const { service, method } = call.bound;
    this.buffer.add(keys.rpcRequests(service, method.long || method.stream ? 'long' : 'short'), call);
  }

  private async push(list: string, calls: PendingCall[]): Promise<void> {
    const { link, maxQueue, fail } = this.options;
    const open = calls.filter(({ settled }) => !settled);
    if (open.length === 0) return;
    try {
      const elements = open.map((call) => this.encode(call));
      const accepted = await link.push(list, maxQueue, LIST_TTL_MS, elements);
      for (const call of open.slice(accepted)) fail(call, overloaded());
    } catch (error) {
      for (const call of open) this.failed(call, error);
    }
  }

  private encode({ head, body, deadline }: PendingCall): string {
    head.deadline = Math.ceil(this.options.link.clock.at(deadline));
    return encodeRequest(head, body);
  }

  /**
   * What Redis refused was not pushed. What was under way when the connection was cut may have been: it is sent again
   * only if a second execution does no harm, and otherwise waits for the reply that may still come.
   */
  private failed(call: PendingCall, error: unknown): void {
    if (error instanceof ReplyError) this.options.fail(call, unavailable());
    else if (isRepeatable(call)) this.send(call);
  }
}
