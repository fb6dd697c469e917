import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { CallOutcome, OpenCall } from '@taai/contracts';
import { LedgerStream, reportError } from '@taai/platform';
import type { Ledger } from './completion-book';
import type { Candidate } from './model-caller';
import { PriceBook } from './price-book';

/** The ledger for calls that belong to no run. */
@Injectable()
export class CompletionLedger implements Ledger, OnApplicationShutdown {
  private readonly closing = new Set<Promise<void>>();

  constructor(
    private readonly stream: LedgerStream,
    private readonly prices: PriceBook,
  ) {}

  assertPriced(candidate: Candidate): Promise<void> {
    return this.prices.assertPriced(candidate);
  }

  open(call: OpenCall): Promise<void> {
    return this.stream.open(call);
  }

  async close(call: OpenCall, outcome: CallOutcome, { kind, model }: Candidate): Promise<number | null> {
    const told: Promise<void> = this.stream
      .close(call, outcome)
      .catch((error: unknown) => reportError(error, { call_id: call.call_id }))
      .finally(() => this.closing.delete(told));
    this.closing.add(told);
    try {
      return await this.prices.costOf({ kind, model }, outcome);
    } catch (error) {
      // The answer is there, and paid for: the ledger finds its cost by itself.
      reportError(error, { call_id: call.call_id });
      return null;
    }
  }

  /** By then no call is under way any more. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.closing);
  }
}
