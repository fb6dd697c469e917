import { Injectable } from '@nestjs/common';
import { priceInForce, RlsPool, sql, type Price } from '@taai/entities';
import type { Candidate } from '../model/candidate';

const IN_FORCE = sql(`
  select price.* from (select $1::text as provider_kind, $2::text as model, now() as occurred_at) c
  left join lateral (${priceInForce('c')}) price on true`);

/** The part of a candidate that its price depends on. */
export type Priced = Pick<Candidate, 'kind' | 'model'>;

@Injectable()
export class PriceRepository {
  constructor(private readonly rls: RlsPool) {}

  /** The price that the model has now for the caller's tenant; one without an id and amounts when none is known. */
  async inForce({ kind, model }: Priced): Promise<Price> {
    const [price] = await this.rls.read<Price>(IN_FORCE, [kind, model]);
    if (!price) throw new Error('A price was asked for, and not even its absence came back.');
    return price;
  }
}
