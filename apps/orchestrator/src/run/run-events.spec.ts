import { rebuildEvents } from './run-events';

const usage = {
  input_tokens: 5,
  cache_read_tokens: null,
  cache_write_tokens: null,
  output_tokens: 2,
  reasoning_tokens: null,
  cost_micro_usd: 12,
  is_estimated: false,
};

const run = {
  id: 'r',
  agent_id: 'a',
  conversation_id: null,
  status: 'completed' as const,
  output: 'Hello you',
  error_code: null,
  error_detail: null,
  usage,
  last_event_id: 9,
  state: { stop_reason: 'length' as const },
};

const rebuilt = (row: Parameters<typeof rebuildEvents>[0]) => rebuildEvents(row, []);

describe('rebuildEvents', () => {
  it('gives a completed run as its log had it, with the tokens merged under the id of the last', () => {
    expect(rebuilt(run)).toEqual([
      { id: 1, type: 'run.started', data: { run_id: 'r', agent_id: 'a' } },
      { id: 7, type: 'token', data: { text: 'Hello you' } },
      { id: 8, type: 'usage', data: usage },
      {
        id: 9,
        type: 'run.completed',
        data: { output: 'Hello you', stop_reason: 'length', incomplete: { reason: 'length' } },
      },
    ]);
  });

  it('does not know why the answer of a run of an older release ended', () => {
    const end = { output: 'Hello you', stop_reason: null, incomplete: null };
    expect(rebuilt({ ...run, state: {} }).at(-1)).toEqual({ id: 9, type: 'run.completed', data: end });
  });

  it('gives nothing before the end', () => {
    expect(rebuilt({ ...run, status: 'running' })).toEqual([]);
    expect(rebuilt({ ...run, status: 'queued' })).toEqual([]);
  });

  it('tells why a run failed before it called anyone', () => {
    const failed = { ...run, status: 'failed' as const, output: null, usage: null, last_event_id: 2 };
    expect(rebuilt({ ...failed, conversation_id: 'c', error_code: 'agent_not_ready', error_detail: 'Why.' })).toEqual([
      { id: 1, type: 'run.started', data: { run_id: 'r', agent_id: 'a', conversation_id: 'c' } },
      { id: 2, type: 'run.failed', data: { code: 'agent_not_ready', detail: 'Why.' } },
    ]);
  });

  it('gives a run that was cancelled in the queue one event', () => {
    const cancelled = { ...run, status: 'cancelled' as const, output: null, usage: null, last_event_id: 1 };
    expect(rebuilt(cancelled)).toEqual([{ id: 1, type: 'run.cancelled', data: {} }]);
  });
});
