import type { CallOutcome, CompletionHead, OpenCall, ProviderKind, TokenBuckets, TokenUsage } from '@taai/contracts';
import { currentCaller } from '@taai/tenant';
import type { Attempt, CallBook, Candidate } from '../model/model-caller';
import { errorCodeOf } from '../model/model-failure';
import type { Account } from './usage-estimate';

/** What the calls of one question are made for. */
export interface Purpose {
  kind: 'chat' | 'embedding';
  agent_id: string | null;
}

/** A reply, as far as the ledger is concerned. */
export interface Accountable {
  failure: Error | null;
  latency_ms: number;
}

export interface BookOptions<R> {
  purpose: Purpose;
  /** A guess at the prompt, for calls that nobody ever closes. */
  input_tokens: number;
  /** What a reply is accounted for. */
  account: (reply: R, kind: ProviderKind) => Promise<Account>;
  /** Told when the ledger does not take a call, which must end then. */
  onRefused: (reason: unknown) => void;
}

/** The ledger as a book sees it. */
export interface Ledger {
  /** Throws the ModelFailure `model_unpriced`. */
  assertPriced(candidate: Candidate): Promise<void>;
  open(call: OpenCall): Promise<void>;
  /** Nobody has to wait for it. */
  close(call: OpenCall, outcome: CallOutcome): Promise<void>;
  costOf(candidate: Candidate, tokens: TokenBuckets): Promise<number | null>;
  /** Lets the process end only when the work is done. */
  follow<T>(work: Promise<T>): Promise<T>;
}

const DECIMALS = 10;

/**
 * Accounts for the calls of one question. A call is sent to the ledger first, but made without waiting for the answer: whoever passes on
 * what comes of it must wait for `opened` before.
 */
export class CompletionBook<R extends Accountable> implements CallBook<R> {
  /** Whether the ledger has the call that is under way; `opened` resolves then, and rejects when it does not take it. */
  isOpen = false;
  opened: Promise<void> = Promise.resolve();
  private readonly calls = new Map<string, OpenCall>();
  private begun: number | undefined;
  private latest = { call_id: '', provider: '', model: '' };

  constructor(
    private readonly ledger: Ledger,
    private readonly options: BookOptions<R>,
  ) {}

  async open(call_id: string, candidate: Candidate): Promise<void> {
    await this.ledger.assertPriced(candidate);
    const { provider_id, provider_name: provider, kind: provider_kind, model } = candidate;
    const { user_id = null, api_key_id = null } = currentCaller();
    const { purpose, input_tokens, onRefused } = this.options;
    const call = { ...purpose, call_id, provider_id, provider_kind, model, user_id, api_key_id, input_tokens };
    this.calls.set(call_id, call);
    this.latest = { call_id, provider, model };
    this.begun ??= performance.now();
    this.isOpen = false;
    this.opened = this.ledger.open(call).then(() => void (this.isOpen = true));
    this.opened.catch(onRefused);
  }

  async close(attempt: Attempt<R>): Promise<void> {
    await this.settle(attempt);
  }

  /** Resolves to what the ledger will say of the attempt, without waiting until it is told. */
  settle(attempt: Attempt<R>): Promise<TokenUsage> {
    return this.ledger.follow(this.account(attempt));
  }

  private async account({ call_id, candidate, reply }: Attempt<R>): Promise<TokenUsage> {
    const call = this.calls.get(call_id);
    if (!call) throw new Error('The call was never opened.');
    const account = await this.options.account(reply, candidate.kind);
    const { failure, latency_ms } = reply;
    const error_code = failure && errorCodeOf(failure);
    void this.ledger.close(call, { ...account, status: 'closed', error_code, latency_ms });
    return { ...account, cost_micro_usd: await this.ledger.costOf(candidate, account) };
  }

  /** Who answers, as of now. */
  head(): CompletionHead {
    const ms = performance.now() - (this.begun ?? performance.now());
    return { ...this.latest, provider_ms: Math.round(ms * DECIMALS) / DECIMALS };
  }
}
