import { ProblemError, type CallOutcome, type OpenCall } from '@taai/contracts';
import type { LedgerStream, TokenSpending } from '@taai/platform';
import { ProviderError } from '@taai/providers';
import { runAs } from '@taai/tenant';
import { NIL, v7 } from 'uuid';
import { scripted, someUsage } from '../model/caller.testing';
import type { PriceBook } from './price-book';
import { StreamedCalls } from './streamed-calls';
import { StreamedLedger } from './streamed-ledger';
import { tokensOf, type Accountable } from './usage-estimate';

const { candidate } = scripted('main', []);
const caller = { tenant_id: NIL, user_id: NIL, permissions: [], issuer: 'gateway' as const };
const failed: Accountable = { failure: new ProviderError('overloaded', 'Busy.'), latency_ms: 7 };

/** The calls of a question, with what the ledger's stream is sent. `open` is what the stream does with an opening. */
function question(open: () => Promise<void> = async () => undefined) {
  const spent: number[] = [];
  const sent: (OpenCall | CallOutcome)[] = [];
  const stream = {
    open: (call: OpenCall) => open().then(() => void sent.push(call)),
    close: async (_: OpenCall, outcome: CallOutcome) => void sent.push(outcome),
  };
  const spending = { spend: (_: string, tokens: number) => void spent.push(tokens) } as unknown as TokenSpending;
  const prices = { assertPriced: async () => undefined, costOf: async () => 42 };
  const ledger = new StreamedLedger(stream as unknown as LedgerStream, prices as unknown as PriceBook, spending);
  const account = async () => ({ ...someUsage, is_estimated: false });
  const calls = new StreamedCalls<Accountable>(ledger, { kind: 'chat', agent_id: null, input_tokens: 3, account });
  return { sent, spent, calls, as: <T>(work: () => T) => runAs(caller, work) };
}

describe('StreamedCalls', () => {
  it('sends each call and its outcome, takes its tokens from the tenant’s, and says what it cost', async () => {
    const { sent, spent, calls, as } = question();
    const [first, second] = [v7(), v7()];
    await as(() => calls.open(first, candidate));
    const usage = await as(() => calls.close({ call_id: first, candidate, reply: failed }));
    await as(() => calls.open(second, candidate));
    expect(usage).toEqual({ ...someUsage, cost_micro_usd: 42, is_estimated: false });
    expect(sent).toMatchObject([
      { call_id: first, kind: 'chat', model: 'main-model', user_id: NIL, input_tokens: 3 },
      { status: 'closed', error_code: 'overloaded', latency_ms: 7 },
      { call_id: second },
    ]);
    expect(spent).toEqual([tokensOf(someUsage)]);
    expect(calls.head()).toMatchObject({ call_id: second, provider: 'main' });
  });

  it('does not wait for the ledger to make a call, but to pass on what comes of it', async () => {
    const taken = Promise.withResolvers<void>();
    const { calls, as } = question(() => taken.promise);
    await as(() => calls.open(v7(), candidate));
    const passed: string[] = [];
    const first = calls.whenOpen(() => void passed.push('first'));
    expect(passed).toEqual([]);
    taken.resolve();
    await first;
    void calls.whenOpen(() => void passed.push('second'));
    expect(passed).toEqual(['first', 'second']);
  });

  it('ends a call that the ledger does not take, and tells so who closes it', async () => {
    const refusal = new ProblemError('overloaded');
    const { calls, as } = question(() => Promise.reject(refusal));
    const call_id = v7();
    await as(() => calls.open(call_id, candidate));
    await expect(calls.whenOpen(() => undefined)).rejects.toBe(refusal);
    expect(calls.refused).toMatchObject({ aborted: true, reason: refusal });
    await expect(as(() => calls.close({ call_id, candidate, reply: failed }))).rejects.toBe(refusal);
  });
});
