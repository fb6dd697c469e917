import type { Agent, CallOutcome, CompletionPiece, OpenCall } from '@taai/contracts';
import { ProblemError } from '@taai/contracts';
import { ProviderError, type ChatRequest } from '@taai/providers';
import { runAs } from '@taai/tenant';
import { NIL } from 'uuid';
import type { AgentDirectory } from '../agent/agent-directory';
import type { StreamedLedger } from '../accounting/streamed-ledger';
import { CompletionTargets } from './completion-target';
import { CompletionService } from './completion.service';
import type { Candidate } from '../model/model-caller';
import type { ProviderDirectory } from '../provider/provider-directory';
import { ScriptedCaller, type Line } from '../run/execution/scripted-agent.testing';

const candidate = { provider_id: NIL, provider_name: 'main', kind: 'openai', model: 'gpt', settings: {} } as Candidate;
const question: ChatRequest = { model: 'main/gpt', messages: [{ role: 'user', content: 'Hi' }] };
const agent = {
  id: NIL,
  system_prompt: 'Speak {{language}}.',
  variables: { language: 'Latin' },
  parameters: { top_p: 0.1, parallel_tool_calls: false },
  temperature: 0.7,
  max_output_tokens: 100,
  output_schema: { type: 'object' },
  fallbacks: [],
} as unknown as Agent;

/** The service with a model that answers as written, and a ledger that remembers, or refuses. */
function stage(script: Line[], open: () => Promise<void> = async () => undefined) {
  const rows: ([OpenCall] | [OpenCall, CallOutcome])[] = [];
  const ledger = {
    assertPriced: async () => undefined,
    open: (call: OpenCall) => open().then(() => void rows.push([call])),
    close: async (call: OpenCall, outcome: CallOutcome) => void rows.push([call, outcome]),
    costOf: async () => 42,
    follow: <T>(work: Promise<T>) => work,
  };
  const providers = { byName: async () => candidate, candidates: async () => [candidate] };
  const agents = { bySlug: async () => agent };
  const caller = new ScriptedCaller(script);
  const targets = new CompletionTargets(providers as unknown as ProviderDirectory, agents as unknown as AgentDirectory);
  const service = new CompletionService(targets, caller, ledger as unknown as StreamedLedger);
  const { signal } = new AbortController();
  const as = <T>(work: () => T) =>
    runAs({ tenant_id: NIL, user_id: NIL, api_key_id: NIL, permissions: [], issuer: 'gateway' }, work);
  return {
    rows,
    requests: caller.requests,
    chat: (call = question) => as(() => service.chat(call, signal)),
    stream: (call = question) => as(() => Array.fromAsync<CompletionPiece>(service.stream(call, signal))),
  };
}

describe('CompletionService', () => {
  it('streams who answers, what they say, and what it cost', async () => {
    const { stream, rows } = stage([{ text: 'Hello' }]);
    expect(await stream()).toEqual([
      {
        type: 'head',
        call_id: expect.any(String),
        provider: 'main',
        model: 'gpt',
        provider_ms: expect.any(Number),
      },
      { type: 'text', text: 'Hello' },
      { type: 'end', stop_reason: expect.any(String), usage: expect.objectContaining({ cost_micro_usd: 42 }) },
    ]);
    expect(rows).toMatchObject([
      [{ kind: 'chat', user_id: NIL, api_key_id: NIL, model: 'gpt' }],
      [{ kind: 'chat' }, { status: 'closed', error_code: null }],
    ]);
  });

  it('passes nothing on that the ledger did not take', async () => {
    const refuse = () => Promise.reject(new ProblemError('overloaded'));
    await expect(stage([{ text: 'Hello' }], refuse).stream()).rejects.toMatchObject({ code: 'overloaded' });
    await expect(stage([{ text: 'Hello' }], refuse).chat()).rejects.toMatchObject({ code: 'overloaded' });
  });

  it('throws what fails before the first piece, and tells what fails after it', async () => {
    const failure = new ProviderError('timeout', 'Silence.');
    await expect(stage([{ failure }]).stream()).rejects.toMatchObject({ code: 'provider_timeout' });
    const pieces = await stage([{ text: 'Hel', failure }]).stream();
    expect(pieces.at(-1)).toMatchObject({ type: 'end', problem: { code: 'provider_timeout', detail: 'Silence.' } });
  });

  it('asks an agent with its prompt and parameters, where the caller says nothing else', async () => {
    const { chat, requests } = stage([{ text: 'ok' }]);
    await chat({ ...question, model: 'agent:helper', temperature: 0, max_output_tokens: 5000 });
    expect(requests[0]).toEqual({
      top_p: 0.1,
      temperature: 0,
      max_output_tokens: 100,
      response_format: { type: 'json_schema', name: 'output', schema: { type: 'object' } },
      messages: [
        { role: 'system', content: 'Speak Latin.' },
        { role: 'user', content: 'Hi' },
      ],
    });
  });
});
