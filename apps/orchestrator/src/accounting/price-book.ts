import { Injectable } from '@nestjs/common';
import { costOf, type Price, type TokenBuckets } from '@taai/entities';
import { Channels, keys } from '@taai/platform';
import { currentCaller, withoutDeadline } from '@taai/tenant';
import type { Candidate } from '../model/candidate';
import { ModelFailure } from '../model/model-failure';
import { PriceRepository, type Priced } from './price.repository';

const FRESH_MS = 300_000;
const MAX_PRICES = 10_000;

interface Remembered {
  price: Promise<Price>;
  until: number;
}

/**
 * The prices that models have for the caller's tenant now. They are kept in memory for 5 minutes, and forgotten when the tenant changes a
 * price. The ledger looks its prices up itself, by the same rules.
 */
@Injectable()
export class PriceBook {
  /** By tenant, then by kind and model; the tenant that asked longest ago goes first. */
  private readonly remembered = new Map<string, Map<string, Remembered>>();
  private size = 0;

  constructor(
    private readonly repository: PriceRepository,
    channels: Channels,
  ) {
    channels.listen(keys.pricesChanged(), {
      onMessage: (tenant_id) => this.forget(tenant_id),
      onSubscribed: () => this.forgetAll(),
    });
  }

  /** What the tokens cost, in micro-USD, as the ledger will say; null when no price is known. */
  async costOf(priced: Priced, tokens: TokenBuckets): Promise<number | null> {
    return costOf(await this.find(priced), tokens);
  }

  /** Throws the ModelFailure `model_unpriced` when the provider wants models without a known price refused, and this is one. */
  async assertPriced(candidate: Pick<Candidate, 'kind' | 'model' | 'settings' | 'provider_name'>): Promise<void> {
    if (candidate.settings.unknown_models !== 'block') return;
    if ((await this.find(candidate)).price_id !== null) return;
    const { provider_name, model } = candidate;
    const detail = `No price is known for ${provider_name}/${model}, and the provider refuses such models: set one by PUT /v1/prices.`;
    throw new ModelFailure('model_unpriced', detail);
  }

  private find(priced: Priced): Promise<Price> {
    const { tenant_id } = currentCaller();
    const name = `${priced.kind}/${priced.model}`;
    const known = this.remembered.get(tenant_id)?.get(name);
    if (known && known.until > Date.now()) return known.price;
    if (this.size >= MAX_PRICES) this.forgetAll();
    const prices = this.remembered.get(tenant_id) ?? new Map<string, Remembered>();
    const price = withoutDeadline(() => this.repository.inForce(priced)).catch((error: unknown) => {
      this.forget(tenant_id);
      throw error;
    });
    if (!prices.has(name)) this.size += 1;
    this.remembered.set(tenant_id, prices.set(name, { price, until: Date.now() + FRESH_MS }));
    return price;
  }

  private forget(tenant_id: string): void {
    this.size -= this.remembered.get(tenant_id)?.size ?? 0;
    this.remembered.delete(tenant_id);
  }

  private forgetAll(): void {
    this.remembered.clear();
    this.size = 0;
  }
}
