import type { TokenUsage } from '@taai/contracts';
import type { Attempt, Candidate } from './candidate';
import type { ModelReply } from './model-call';

/**
 * Accounts for the provider calls of one question. Every call of a model passes through it: each is opened before it is made, and closed
 * after it.
 */
export interface CallAccounting<R = ModelReply> {
  /**
   * Writes the call into the ledger. What it throws ends the whole question: the ModelFailure `model_unpriced` for a model without a known
   * price whose provider wants such models refused, or that the ledger cannot be written.
   */
  open(call_id: string, candidate: Candidate): Promise<void>;
  /** Closes an open call, and resolves to what the ledger says of it. */
  close(attempt: Attempt<R>): Promise<TokenUsage>;
}
