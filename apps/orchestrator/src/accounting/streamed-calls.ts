import type { CompletionHead, OpenCall, ProviderKind, TokenUsage } from '@taai/contracts';
import { currentCaller } from '@taai/tenant';
import type { CallAccounting } from '../model/call-accounting';
import type { Attempt, Candidate } from '../model/candidate';
import type { StreamedLedger } from './streamed-ledger';
import { outcomeOf, type Account, type Accountable } from './usage-estimate';

/** What the calls are made for, and how they are counted. */
export interface StreamedCallsOptions<R> {
  kind: 'chat' | 'embedding';
  agent_id: string | null;
  /** A guess at the prompt, for calls that nobody ever closes. */
  input_tokens: number;
  /** Counts the tokens of a reply. */
  account: (reply: R, kind: ProviderKind) => Promise<Account>;
}

const DECIMALS = 10;

/**
 * Accounts for the calls of a question that belongs to no run. A call is sent to the ledger first, but made without waiting for the
 * ledger's answer: pieces of the reply wait for it in `whenOpen`.
 */
export class StreamedCalls<R extends Accountable> implements CallAccounting<R> {
  private readonly calls = new Map<string, OpenCall>();
  private readonly refusal = new AbortController();
  /** Whether the ledger has the call that is under way; `opened` resolves then, and rejects when the ledger does not take it. */
  private isOpen = false;
  private opened: Promise<void> = Promise.resolve();
  private begun: number | undefined;
  private latest = { call_id: '', provider: '', model: '' };

  constructor(
    private readonly ledger: StreamedLedger,
    private readonly options: StreamedCallsOptions<R>,
  ) {}

  /** Aborts when the ledger does not take a call, which must end then. */
  get refused(): AbortSignal {
    return this.refusal.signal;
  }

  async open(call_id: string, candidate: Candidate): Promise<void> {
    await this.ledger.assertPriced(candidate);
    const { provider_id, provider_name: provider, kind: provider_kind, model } = candidate;
    const { user_id = null, api_key_id = null } = currentCaller();
    const { kind, agent_id, input_tokens } = this.options;
    const call = { call_id, kind, provider_id, provider_kind, model, agent_id, user_id, api_key_id, input_tokens };
    this.calls.set(call_id, call);
    this.latest = { call_id, provider, model };
    this.begun ??= performance.now();
    this.isOpen = false;
    this.opened = this.ledger.open(call).then(() => void (this.isOpen = true));
    this.opened.catch((reason: unknown) => this.refusal.abort(reason));
  }

  /** Resolves to what the ledger will say, once it has taken the call; throws what it refused the call with. */
  async close(attempt: Attempt<R>): Promise<TokenUsage> {
    const usage = await this.ledger.follow(this.settle(attempt));
    await this.opened;
    return usage;
  }

  /** Does the work as soon as the ledger has the call that is under way: nothing is passed on that nobody accounts for. */
  whenOpen(work: () => void | Promise<void>): void | Promise<void> {
    return this.isOpen ? work() : this.opened.then(work);
  }

  /** Who answers, as of now. */
  head(): CompletionHead {
    const ms = performance.now() - (this.begun ?? performance.now());
    return { ...this.latest, provider_ms: Math.round(ms * DECIMALS) / DECIMALS };
  }

  private async settle({ call_id, candidate, reply }: Attempt<R>): Promise<TokenUsage> {
    const call = this.calls.get(call_id);
    if (!call) throw new Error('The call was never opened.');
    const account = await this.options.account(reply, candidate.kind);
    void this.ledger.close(call, outcomeOf(reply, account));
    return { ...account, cost_micro_usd: await this.ledger.costOf(candidate, account) };
  }
}
