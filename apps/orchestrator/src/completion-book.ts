import type { CompletionHead, OpenCall, TokenUsage } from '@taai/contracts';
import { reportError, type LedgerStream } from '@taai/platform';
import { currentCaller } from '@taai/tenant';
import type { Attempt, CallBook, Candidate } from './model-caller';
import type { PriceBook } from './price-book';

/** What the calls of one question are made for. */
export interface Purpose {
  kind: 'chat' | 'embedding';
  agent_id: string | null;
}

/** What a reply is accounted for. */
type Account<R> = (reply: R) => Omit<TokenUsage, 'cost_micro_usd'>;

const DECIMALS = 10;

/**
 * Accounts for the calls of one question in the ledger's stream. A call is sent there first, but made without waiting for the answer:
 * whoever passes on what comes of it must wait for `opened` before.
 */
export class CompletionBook<R extends { failure: Error | null; latency_ms: number }> implements CallBook<R> {
  /** Rejects when the ledger does not take the call that is under way. */
  opened: Promise<void> = Promise.resolve();
  private readonly calls = new Map<string, OpenCall>();
  private begun: number | undefined;
  private latest: Pick<CompletionHead, 'call_id' | 'provider' | 'model'> = { call_id: '', provider: '', model: '' };

  constructor(
    private readonly books: { ledger: LedgerStream; prices: PriceBook },
    private readonly purpose: Purpose,
    private readonly account: Account<R>,
    /** Told when the ledger does not take a call, which must end then. */
    private readonly onRefused: (reason: unknown) => void,
  ) {}

  async open(call_id: string, candidate: Candidate): Promise<void> {
    await this.books.prices.assertPriced(candidate);
    const { provider_id, provider_name: provider, kind: provider_kind, model } = candidate;
    const { user_id = null, api_key_id = null } = currentCaller();
    const call = { ...this.purpose, call_id, provider_id, provider_kind, model, user_id, api_key_id };
    this.calls.set(call_id, call);
    this.latest = { call_id, provider, model };
    this.begun ??= performance.now();
    this.opened = this.books.ledger.open(call);
    this.opened.catch(this.onRefused);
  }

  async close(attempt: Attempt<R>): Promise<void> {
    await this.settle(attempt);
  }

  /** Closes the call; nobody waits for the ledger. Resolves to what it says. */
  async settle({ call_id, reply }: Attempt<R>): Promise<TokenUsage> {
    const call = this.calls.get(call_id);
    if (!call) throw new Error('The call was never opened.');
    const account = this.account(reply);
    const { failure, latency_ms } = reply;
    const error_code = failure && codeOf(failure);
    this.books.ledger.close(call, { ...account, status: 'closed', error_code, latency_ms }).catch(reportError);
    return { ...account, cost_micro_usd: await this.books.prices.costOf(call, account) };
  }

  /** Who answers, as of now. */
  head(): CompletionHead {
    const ms = performance.now() - (this.begun ?? performance.now());
    return { ...this.latest, provider_ms: Math.round(ms * DECIMALS) / DECIMALS };
  }
}

const codeOf = (failure: Error): string => ('code' in failure && typeof failure.code === 'string' ? failure.code : 'internal');
