import { Inject, Injectable, type FactoryProvider } from '@nestjs/common';
import { auditContract, MAX_AUDIT_ENTRIES } from '@taai/contracts';
import { fitting } from '@taai/entities';
import { RpcClient, type Client } from '@taai/platform';
import { ignoreNotFound, type Consumer } from './consumer';
import { OutboxRepository, type WantedEvent } from './outbox.repository';

/** Injects the `AuditLog` client. */
export const AUDIT_LOG = Symbol('audit log');

/** What of the audit contract is called here. */
export type AuditLog = Pick<Client<typeof auditContract>, 'append'>;

export const auditLogClient: FactoryProvider<AuditLog> = {
  provide: AUDIT_LOG,
  inject: [RpcClient],
  useFactory: (rpc: RpcClient) => rpc.for(auditContract),
};

/**
 * Hands audit entries to auth. An event is only the occasion: all entries up to it go, oldest first, whether this relay claimed
 * them, another did, or they were left for later. So no entry is appended before an older one that had been committed when it was
 * read, with any number of relays; one that is committed later than a younger one comes after it.
 */
@Injectable()
export class AuditConsumer implements Consumer {
  readonly isBatched = true;

  constructor(
    private readonly outbox: OutboxRepository,
    @Inject(AUDIT_LOG) private readonly log: AuditLog,
  ) {}

  async consume(events: readonly WantedEvent[]): Promise<string[]> {
    const newest = events.at(-1)?.id;
    if (newest === undefined) return [];
    for (;;) {
      const entries = fitting(await this.outbox.auditEntries(newest, MAX_AUDIT_ENTRIES));
      if (entries.length === 0) return [];
      await this.log.append({ entries }).catch(ignoreNotFound);
      await this.outbox.drop(entries.map(({ id }) => id));
    }
  }
}
