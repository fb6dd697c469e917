import { randomUUID } from 'node:crypto';
import { BLOCK_SECONDS, keys, whenReady, type RedisClient } from '@taai/platform';

const GROUP = 'writers';
/** Entries that are kept of those that cannot be written. */
const MAX_ASIDE = 10_000;

/** An entry of the ledger's stream; of one that was deleted meanwhile, no body. */
export interface LedgerItem {
  id: string;
  body: string | null;
}

export interface LedgerConsumerOptions {
  /** Entries of one read. */
  batch?: number;
  block_ms?: number;
  /** After this long without a sign of its consumer an entry is another one's. */
  idle_ms?: number;
  /** After this long a consumer that owes nothing is forgotten. */
  forget_ms?: number;
}

/** The reading end of the ledger's stream: a group of consumers, of which each entry has one until it is done. */
export class LedgerConsumer {
  readonly name = `usage-${randomUUID()}`;

  /** @param blocking Of the role `blocking`, and nobody else's. */
  constructor(
    private readonly redis: RedisClient,
    private readonly blocking: RedisClient,
    private readonly options: LedgerConsumerOptions = {},
  ) {}

  /** Makes the stream and its group, where they are missing. */
  async join(): Promise<void> {
    await whenReady(this.redis);
    await this.redis.xgroup('CREATE', keys.ledger(), GROUP, '0', 'MKSTREAM').catch((error: unknown) => {
      if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error;
    });
  }

  /** New entries, now this consumer's; waits for them, 2 s at most. */
  async next(): Promise<LedgerItem[]> {
    await whenReady(this.blocking);
    const { block_ms = BLOCK_SECONDS * 1000 } = this.options;
    const from = [
      'GROUP',
      GROUP,
      this.name,
      'COUNT',
      this.batch,
      'BLOCK',
      block_ms,
      'STREAMS',
      keys.ledger(),
      '>',
    ] as const;
    return this.entriesOf(await this.blocking.xreadgroup(...from));
  }

  /** Entries that this consumer has taken and not done. */
  async owed(): Promise<LedgerItem[]> {
    return this.entriesOf(
      await this.redis.xreadgroup('GROUP', GROUP, this.name, 'COUNT', this.batch, 'STREAMS', keys.ledger(), '0'),
    );
  }

  /** How often it is time to take over, in milliseconds. */
  get take_over_ms(): number {
    return this.idle_ms / 3;
  }

  /** Takes over the entries of consumers that give no sign, and removes consumers that have none. */
  async takeOver(): Promise<LedgerItem[]> {
    const { name, idle_ms, batch } = this;
    const [, entries] = await this.redis.xautoclaim(keys.ledger(), GROUP, name, idle_ms, '0', 'COUNT', batch);
    await this.removeIdleConsumers();
    return itemsOf(entries);
  }

  /** Takes entries that are in the database out of the stream. */
  async done(ids: string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.redis
      .multi()
      .xack(keys.ledger(), GROUP, ...ids)
      .xdel(keys.ledger(), ...ids)
      .exec();
  }

  /** Takes an entry that cannot be written out of the way. */
  async setAside({ id, body }: LedgerItem, reason: string): Promise<void> {
    await this.redis
      .multi()
      .xadd(keys.ledgerAside(), 'MAXLEN', '~', MAX_ASIDE, '*', 'entry', body ?? '', 'reason', reason)
      .xack(keys.ledger(), GROUP, id)
      .xdel(keys.ledger(), id)
      .exec();
  }

  /** How many entries are not in the database yet. */
  waiting(): Promise<number> {
    return this.redis.xlen(keys.ledger());
  }

  /** Ends the reading. What this consumer still has is taken over. */
  leave(): void {
    this.blocking.disconnect();
  }

  private get idle_ms(): number {
    return this.options.idle_ms ?? 30_000;
  }

  private get batch(): number {
    return this.options.batch ?? 500;
  }

  private entriesOf(reply: unknown): LedgerItem[] {
    const [stream] = listOf(reply);
    return itemsOf(listOf(stream)[1]);
  }

  private async removeIdleConsumers(): Promise<void> {
    const { forget_ms = 3600_000 } = this.options;
    for (const consumer of listOf(await this.redis.xinfo('CONSUMERS', keys.ledger(), GROUP))) {
      const facts = listOf(consumer);
      const fact = (name: string) => facts[facts.indexOf(name) + 1];
      if (fact('pending') === 0 && Number(fact('idle')) > forget_ms)
        await this.redis.xgroup('DELCONSUMER', keys.ledger(), GROUP, String(fact('name')));
    }
  }
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** Redis tells entries as `[id, [field, value]]`, and deleted ones without fields. */
const itemsOf = (entries: unknown): LedgerItem[] =>
  listOf(entries).map((entry) => {
    const [id, fields] = listOf(entry);
    const [, body] = listOf(fields);
    return { id: String(id), body: typeof body === 'string' ? body : null };
  });
