import { Injectable, type ExecutionContext } from '@nestjs/common';
import { currentContext } from '@taai/tenant';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HeadGuard } from '../access/guards';
import { Principals } from '../access/principals';
import { Concurrency } from './concurrency';
import { InFlightCounts } from './in-flight-counts';
import { InFlightPlaces } from './in-flight-places';
import { whenClosed } from './when-closed';

/** Of one kind of work: a tenant that is alone has two thirds of them. A call of a model leaves its place soon, and needs more work. */
const PLACES = 48;
const CALL_PLACES = 16;
const QUEUE = 3000;
/** Calls of models may wait longer than others: who calls a model waits for seconds anyway. */
const WAIT_MS = 2000;
const CALL_WAIT_MS = 5000;

/**
 * Lets a request of a known caller in when its tenant may have one more in flight and when its turn has come. Callers who are unknown,
 * and health, are not held up: networks are limited, and nobody may keep an operator from looking.
 */
@Injectable()
export class InFlightGuard implements HeadGuard {
  private readonly counts = new InFlightCounts();
  private readonly ordinary = new InFlightPlaces({ places: PLACES, queue: QUEUE, wait_ms: WAIT_MS });
  private readonly calls = new InFlightPlaces({ places: CALL_PLACES, queue: QUEUE, wait_ms: CALL_WAIT_MS });

  constructor(
    private readonly principals: Principals,
    private readonly concurrency: Concurrency,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const caller = currentContext()?.caller;
    if (!caller) return true;
    const http = context.switchToHttp();
    const { lasting } = http.getRequest<FastifyRequest>().routeOptions.config;
    const { raw } = http.getResponse<FastifyReply>();
    const { tenant_id } = caller;
    await this.counts.enter(tenant_id, this.principals.limitsOf(caller).requests_in_flight);
    whenClosed(raw, () => this.counts.leave(tenant_id));
    if (lasting) await this.concurrency.take(lasting, raw);
    await (lasting === 'door_calls' ? this.calls : this.ordinary).enter(tenant_id, raw);
    return true;
  }

  /** How many requests the tenant has in flight at this process. */
  inFlight(tenantId: string): number {
    return this.counts.of(tenantId);
  }
}
