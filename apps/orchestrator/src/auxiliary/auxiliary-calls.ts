import type { OpenCall, TokenUsage } from '@taai/contracts';
import type { ChatMessage } from '@taai/providers';
import type { StoredLedger } from '../accounting/stored-ledger';
import { accountFor, outcomeOf, roughPromptTokens } from '../accounting/usage-estimate';
import type { CallAccounting } from '../model/call-accounting';
import type { Attempt, Candidate } from '../model/candidate';

/** What a call is made for, as the ledger notes it. */
export type CallOrigin = Pick<OpenCall, 'agent_id' | 'run_id' | 'conversation_id' | 'user_id' | 'api_key_id'>;

/** Accounts for the calls of one auxiliary question, of a `kind` that the ledger names. */
export class AuxiliaryCalls implements CallAccounting {
  constructor(
    private readonly ledger: StoredLedger,
    private readonly kind: string,
    private readonly messages: ChatMessage[],
    private readonly origin: CallOrigin,
  ) {}

  async open(call_id: string, candidate: Candidate): Promise<void> {
    await this.ledger.assertPriced(candidate);
    const { kind, origin } = this;
    const { provider_id, kind: provider_kind, model } = candidate;
    const input_tokens = roughPromptTokens({ messages: this.messages });
    await this.ledger.open({ call_id, kind, provider_id, provider_kind, model, input_tokens, ...origin });
  }

  async close({ call_id, candidate, reply }: Attempt): Promise<TokenUsage> {
    const account = await accountFor(reply, { messages: this.messages }, candidate.kind);
    return this.ledger.close(call_id, outcomeOf(reply, account));
  }
}
