import { Inject, Injectable } from '@nestjs/common';
import {
  invalidField,
  limits,
  ProblemError,
  type ListPrices,
  type ModelPrice,
  type PageOf,
  type PutPrice,
  type TokenPrices,
} from '@taai/contracts';
import { audit, readCursor, toPage, withTenant } from '@taai/entities';
import { keys, log, REDIS, type RedisClient } from '@taai/platform';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { PriceRepository } from './price.repository';

/** What models cost a tenant. Prices are versions: calls keep the one that they were made under. */
@Injectable()
export class PriceService {
  constructor(
    private readonly db: DataSource,
    private readonly prices: PriceRepository,
    @Inject(REDIS) private readonly redis: RedisClient,
  ) {}

  async list({ provider_kind, limit, cursor }: ListPrices): Promise<PageOf<ModelPrice>> {
    const after = cursor === undefined ? [] : readCursor(cursor, 2).map(text);
    const rows = await this.prices.page(provider_kind, after, limit + 1);
    return toPage(rows, limit, ({ provider_kind, model }) => [provider_kind, model]);
  }

  async put(input: PutPrice): Promise<ModelPrice> {
    const { provider_kind, model, price } = input;
    const current = await withTenant(this.db, async (tx) => {
      await this.prices.lock(tx);
      const before = await this.prices.find(tx, provider_kind, model);
      if (isSame(before.own, price)) return before;
      if (!before.own && (await this.prices.count(tx)) >= limits.pricedModels)
        throw invalidField('model', `is one too many: there can be ${limits.pricedModels} with prices of your own`);
      await this.prices.insert(tx, input);
      const after = await this.prices.find(tx, provider_kind, model);
      const target = { type: 'price', id: `${provider_kind}/${model}` };
      await audit(tx, { action: 'price.updated', target, before, after });
      return after;
    });
    this.tell(currentCaller().tenant_id);
    return current;
  }

  /** Has processes drop the tenant's prices that they hold in memory. Those that do not hear it read them again within minutes. */
  private tell(tenant_id: string): void {
    this.redis
      .publish(keys.pricesChanged(), tenant_id)
      .catch((error: unknown) => log.warn({ err: error }, 'nobody was told of a new price'));
  }
}

const RATES: readonly (keyof TokenPrices)[] = [
  'input_price',
  'cache_read_price',
  'cache_write_price',
  'output_price',
  'reasoning_price',
];

const isSame = (one: TokenPrices | null, other: TokenPrices | null): boolean =>
  one && other ? RATES.every((rate) => (one[rate] ?? null) === (other[rate] ?? null)) : one === other;

function text(key: unknown): string {
  if (typeof key !== 'string') throw new ProblemError('invalid_cursor');
  return key;
}
