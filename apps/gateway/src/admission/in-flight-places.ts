import type { ServerResponse } from 'node:http';
import { ProblemError } from '@taai/contracts';
import { FairShare, type FairShareOptions } from '@taai/tenant';
import { whenClosed } from './when-closed';

/** How long a request that is refused is kept: else who comes again at once would keep the process from all other work. */
const REFUSAL_MS = 150;
/** How long a request that lasts works before it waits for its model. */
const WORK_MS = 50;

export interface PlacesOptions extends FairShareOptions {
  /** How long a request may wait for its place; who would wait longer is refused. */
  wait_ms: number;
}

const leaving = new WeakMap<ServerResponse, () => void>();

/** Has the request leave its place in a moment although its answer goes on: what lasts waits for others, and works little. */
export function leaveSoon(response: ServerResponse): void {
  const leave = leaving.get(response);
  if (!leave) return;
  const timer = setTimeout(leave, WORK_MS).unref();
  whenClosed(response, () => clearTimeout(timer));
}

/** Places for the requests that a process works on at once. Tenants share them by turns. */
export class InFlightPlaces {
  private readonly share: FairShare;

  constructor(private readonly options: PlacesOptions) {
    this.share = new FairShare(options);
  }

  /** Resolves when the request has a place, until its response is over. Throws `overloaded`, and `cancelled` once the client has left. */
  async enter(tenant: string, response: ServerResponse): Promise<void> {
    if (!this.share.tryEnter(tenant)) await this.turn(tenant, response);
    let isIn = true;
    const leave = () => {
      if (isIn) this.share.leave(tenant);
      isIn = false;
    };
    leaving.set(response, leave);
    whenClosed(response, leave);
  }

  /** Who has left waits no longer: its place in the queue is another's. */
  private turn(tenant: string, response: ServerResponse): Promise<void> {
    const since = performance.now();
    const { promise, resolve: begin, reject } = Promise.withResolvers<void>();
    const refuse = (problem: ProblemError) => {
      setTimeout(() => reject(problem), since + REFUSAL_MS - performance.now());
    };
    const waiter = { tenant, deadline: since + this.options.wait_ms, begin, refuse };
    const withdraw = () => {
      if (this.share.withdraw(waiter)) reject(new ProblemError('cancelled'));
    };
    response.once('close', withdraw);
    this.share.enter(waiter);
    return promise.finally(() => response.off('close', withdraw));
  }
}
