import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { auditContract, MAX_AUDIT_ENTRIES, type DeniedEntry } from '@taai/contracts';
import { log, Periodic, RpcClient } from '@taai/platform';
import { currentContext, runAs, type Caller } from '@taai/tenant';
import type { FastifyInstance } from 'fastify';
import { v7 } from 'uuid';
import { GATEWAY } from './principals';

const MINUTE_MS = 60_000;
/** How soon after its end a minute is sent. */
const FLUSH_MS = 10_000;
/** Callers × routes × minutes in memory: some megabytes. */
const MAX_ENTRIES = 10_000;
/** Of one tenant, so that none keeps the others from being counted. */
const MAX_OF_TENANT = 500;
const FORBIDDEN = 403;

interface Refused {
  http: string;
  access: string;
}

/**
 * Counts refusals per caller, route and minute, and has each count recorded in its tenant's audit log when its minute is over: so
 * nobody writes there at will. While auth does not answer, counts wait and are sent again under the same ids.
 */
@Injectable()
export class DeniedAccess implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly entries = new Map<string, DeniedEntry>();
  private readonly flushing = new Periodic(FLUSH_MS, () => this.flush(startOfMinute()));
  /** How many of the entries are whose. */
  private readonly ofTenant = new Map<string, number>();
  private uncounted = 0;

  constructor(private readonly rpc: RpcClient) {}

  onApplicationBootstrap(): void {
    this.flushing.wake();
  }

  /** By then no more requests come in. */
  async onApplicationShutdown(): Promise<void> {
    await this.flushing.stop();
    await this.flush();
    if (this.entries.size > 0) log.error({ counts: this.entries.size }, 'counts of refused requests are lost');
  }

  /** Counts every answer of 403 to a caller, whether the edge refused or a service did. */
  listen(fastify: FastifyInstance): void {
    fastify.addHook('onResponse', ({ routeOptions }, { statusCode }, done) => {
      const caller = statusCode === FORBIDDEN ? currentContext()?.caller : undefined;
      const { bound } = routeOptions.config;
      if (caller && bound) this.count(caller, bound.method);
      done();
    });
  }

  /** @param refused What was asked for, route or event. */
  count({ tenant_id, user_id, api_key_id }: Caller, { http: route, access }: Refused): void {
    const minute = startOfMinute();
    const actor_id = api_key_id ?? user_id ?? null;
    const key = `${minute} ${tenant_id} ${actor_id} ${route}`;
    const entry = this.entries.get(key);
    const ofTenant = this.ofTenant.get(tenant_id) ?? 0;
    if (entry) entry.count += 1;
    else if (this.entries.size >= MAX_ENTRIES || ofTenant >= MAX_OF_TENANT) this.uncounted += 1;
    else {
      this.ofTenant.set(tenant_id, ofTenant + 1);
      const actor_type = api_key_id ? 'api_key' : 'user';
      this.entries.set(key, { id: v7(), tenant_id, actor_type, actor_id, route, access, count: 1, minute });
    }
  }

  /** Sends the counts of minutes before `minute`, of all if absent. What auth does not take stays. */
  private async flush(minute?: string): Promise<void> {
    if (this.uncounted > 0)
      log.error({ requests: this.uncounted }, 'refused requests were not counted: too many callers');
    this.uncounted = 0;
    const due = [...this.entries].filter(([, entry]) => minute === undefined || entry.minute < minute);
    try {
      for (let at = 0; at < due.length; at += MAX_AUDIT_ENTRIES) {
        await this.send(due.slice(at, at + MAX_AUDIT_ENTRIES));
      }
    } catch (error) {
      log.warn({ err: error, counts: due.length }, 'counts of refused requests are sent again later');
    }
  }

  private async send(batch: [string, DeniedEntry][]): Promise<void> {
    const entries = batch.map(([, entry]) => entry);
    await runAs(GATEWAY, () => this.rpc.for(auditContract).denied({ entries }));
    for (const [key, entry] of batch) this.drop(key, entry);
  }

  private drop(key: string, { tenant_id }: DeniedEntry): void {
    this.entries.delete(key);
    const left = (this.ofTenant.get(tenant_id) ?? 0) - 1;
    if (left > 0) this.ofTenant.set(tenant_id, left);
    else this.ofTenant.delete(tenant_id);
  }
}

const startOfMinute = () => new Date(Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS).toISOString();
