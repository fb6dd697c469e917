import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { CallOutcome, OpenCall, TokenBuckets } from '@taai/contracts';
import { LedgerStream, reportError, TokenSpending } from '@taai/platform';
import { currentCaller } from '@taai/tenant';
import type { Candidate } from '../model/candidate';
import { PriceBook } from './price-book';
import { tokensOf } from './usage-estimate';

/** The ledger for calls that belong to no run: they go through a stream, and the usage service writes the rows. */
@Injectable()
export class StreamedLedger implements OnApplicationShutdown {
  private readonly unfinished = new Set<Promise<unknown>>();

  constructor(
    private readonly stream: LedgerStream,
    private readonly prices: PriceBook,
    private readonly spending: TokenSpending,
  ) {}

  /** Throws the ModelFailure `model_unpriced`. */
  assertPriced(candidate: Candidate): Promise<void> {
    return this.prices.assertPriced(candidate);
  }

  open(call: OpenCall): Promise<void> {
    return this.stream.open(call);
  }

  /** Nobody has to wait for it: it reports what fails. The tokens count among the tenant's of this minute. */
  async close(call: OpenCall, outcome: CallOutcome): Promise<void> {
    this.spending.spend(currentCaller().tenant_id, tokensOf(outcome));
    await this.follow(this.stream.close(call, outcome)).catch((error: unknown) =>
      reportError(error, { call_id: call.call_id }),
    );
  }

  /** What the tokens cost, in micro-USD; null when that is not known. */
  async costOf(candidate: Candidate, tokens: TokenBuckets): Promise<number | null> {
    try {
      return await this.prices.costOf(candidate, tokens);
    } catch (error) {
      // The answer is there, and paid for: the ledger finds its cost by itself.
      reportError(error);
      return null;
    }
  }

  /** Lets the process end only when the work is done. */
  follow<T>(work: Promise<T>): Promise<T> {
    const followed = work.finally(() => this.unfinished.delete(followed));
    this.unfinished.add(followed);
    return followed;
  }

  /** By then no call is under way any more, but some may still be accounted for. */
  async onApplicationShutdown(): Promise<void> {
    while (this.unfinished.size > 0) await Promise.allSettled(this.unfinished);
  }
}
