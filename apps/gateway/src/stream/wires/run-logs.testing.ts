import type { RunEvent, RunEventBody } from '@taai/contracts';
import { aiSdk } from './ai-sdk';
import { agUi } from './ag-ui';
import type { OutlinedRun } from './outline-item';
import { RunRendering } from './run-rendering';

export const run: OutlinedRun = { id: 'run-1', conversation_id: 'conversation-1' };

const usage = {
  input_tokens: 5,
  cache_read_tokens: 2,
  cache_write_tokens: null,
  output_tokens: 3,
  reasoning_tokens: 4,
  cost_micro_usd: 12,
  is_estimated: false,
};

const started: RunEventBody = {
  type: 'run.started',
  data: { run_id: run.id, agent_id: 'agent-1', conversation_id: 'conversation-1' },
};
const token = (text: string): RunEventBody => ({ type: 'token', data: { text } });
const thought = (text: string): RunEventBody => ({ type: 'reasoning', data: { text } });
const used: RunEventBody = { type: 'usage', data: usage };
const completed = (output: string): RunEventBody => ({
  type: 'run.completed',
  data: { output, stop_reason: 'stop', incomplete: null },
});
const pay = { id: 'call_1', name: 'pay', arguments: { sum: 7 } };
const look = { id: 'call_2', name: 'look', arguments: 'no JSON' };
const call = (data: typeof pay | typeof look): RunEventBody => ({ type: 'tool.call', data });
const paid: RunEventBody = {
  type: 'tool.result',
  data: { id: 'call_1', name: 'pay', status: 'completed', result: { ok: 1 } },
};
const unseen: RunEventBody = {
  type: 'tool.result',
  data: {
    id: 'call_2',
    name: 'look',
    status: 'failed',
    error: { code: 'invalid_arguments', detail: 'They are no JSON.' },
  },
};
const waits: RunEventBody = { type: 'approval.required', data: pay };
const rejected: RunEventBody = {
  type: 'tool.result',
  data: { id: 'call_1', name: 'pay', status: 'rejected', error: { code: 'rejected', detail: 'A person has refused.' } },
};

const numbered = (...bodies: RunEventBody[]): RunEvent[] => bodies.map((body, index) => ({ id: index + 1, ...body }));

/** Logs of runs, as the orchestrator writes them. */
export const logs = {
  text: numbered(started, token('Good '), token('day'), token('.'), used, completed('Good day.')),
  reasoning: numbered(
    started,
    thought('Hm, '),
    thought('easy.'),
    token('Two '),
    token('and two.'),
    used,
    completed('Two and two.'),
  ),
  tools: numbered(
    started,
    token('I will '),
    token('pay.'),
    used,
    call(pay),
    call(look),
    paid,
    unseen,
    used,
    call({ ...pay, id: 'call_3' }),
    { type: 'tool.result', data: { id: 'call_3', name: 'pay', status: 'completed', result: 'Paid.' } },
    thought('Done?'),
    token('All '),
    token('paid.'),
    used,
    completed('All paid.'),
  ),
  approved: numbered(started, used, call(pay), waits, paid, token('Paid.'), used, completed('Paid.')),
  rejected: numbered(started, used, call(pay), waits, rejected, token('Then not.'), used, completed('Then not.')),
  overtaken: numbered(started, used, call(pay), waits, { type: 'run.cancelled', data: {} }),
  failed: numbered(started, token('I wo'), used, {
    type: 'run.failed',
    data: { code: 'rate_limited', detail: 'The provider refuses.' },
  }),
  cancelled: numbered(started, token('I wo'), used, { type: 'run.cancelled', data: {} }),
  unstarted: numbered({ type: 'run.cancelled', data: {} }),
  retried: numbered(
    started,
    token('Let me pay.'),
    used,
    call(pay),
    paid,
    token('It is '),
    token('lost'),
    { type: 'step.retried', data: { step: 2, after_id: 5 } },
    token('It is '),
    token('paid.'),
    used,
    completed('It is paid.'),
  ),
};
export type LogName = keyof typeof logs;
export const logNames = Object.keys(logs).filter((name): name is LogName => name in logs);

/** The log as it is rebuilt once it has expired: tokens merged, reasoning left out. */
export const rebuilt: RunEvent[] = [
  ...numbered(started),
  { id: 5, ...token('Two and two.') },
  { id: 6, ...used },
  { id: 7, ...completed('Two and two.') },
];

/** What a reader is sent who goes on after the event `after`, as one body. */
export function rendered(format: 'ai-sdk' | 'ag-ui', events: readonly RunEvent[], after = 0): string {
  const rendering = new RunRendering(format === 'ai-sdk' ? aiSdk : agUi, run, { after });
  return events.map((event) => rendering.format(event)).join('') + rendering.end;
}

/** What a reader is sent up to a pause of the run, and who has answered the calls, behind it. */
export function renderedPause(format: 'ai-sdk' | 'ag-ui', events: readonly RunEvent[]) {
  const wire = format === 'ai-sdk' ? aiSdk : agUi;
  const waiting = events.findLastIndex(({ type }) => type === 'approval.required');
  const [before, behind] = [
    new RunRendering(wire, run, { after: 0 }),
    new RunRendering(wire, run, { answered: answeredIn(events) }),
  ];
  const until = events.slice(0, waiting + 1).map((event) => before.format(event));
  const mayWait = before.mayWait;
  before.pause();
  return {
    mayWait,
    paused: until.join('') + before.end,
    rest: events.map((event) => behind.format(event)).join('') + behind.end,
  };
}

const answeredIn = (events: readonly RunEvent[]): string[] =>
  events.flatMap(({ type, data }) => (type === 'approval.required' ? [data.id] : []));

/** All that a reader can have of a body that was cut somewhere, and the last id in it; 0 when there is none. */
export function cutsOf(body: string): { had: string; after: number }[] {
  const blocks = body.split(/(?<=\n\n)/);
  let [had, after] = ['', 0];
  return blocks.slice(0, -1).map((block) => {
    had += block;
    after = Number(/^id: (\d+)/.exec(block)?.[1] ?? after);
    return { had, after };
  });
}
