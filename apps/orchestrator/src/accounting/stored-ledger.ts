import { Injectable } from '@nestjs/common';
import type { CallOutcome, OpenCall, TokenUsage } from '@taai/contracts';
import { closeCall, openCall, withTenant } from '@taai/entities';
import { TokenSpending } from '@taai/platform';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import type { Candidate } from '../model/candidate';
import { untilCommitted } from '../patience';
import { PriceBook } from './price-book';
import { tokensOf } from './usage-estimate';

/** The ledger for calls beside runs that are few: each is a row before it is made, and closed before its answer is used. */
@Injectable()
export class StoredLedger {
  constructor(
    private readonly db: DataSource,
    private readonly prices: PriceBook,
    private readonly spending: TokenSpending,
  ) {}

  /** Throws the ModelFailure `model_unpriced`. */
  assertPriced(candidate: Candidate): Promise<void> {
    return this.prices.assertPriced(candidate);
  }

  async open(call: OpenCall): Promise<void> {
    await withTenant(this.db, (tx) => openCall(tx, call));
  }

  /** Waits for a database that is away: the call was paid for. Its tokens count among the tenant's of this minute. */
  close(call_id: string, outcome: CallOutcome): Promise<TokenUsage> {
    this.spending.spend(currentCaller().tenant_id, tokensOf(outcome));
    return untilCommitted(() => withTenant(this.db, (tx) => closeCall(tx, { ...outcome, call_id })));
  }
}
