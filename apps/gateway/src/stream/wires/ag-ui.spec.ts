import { once } from 'node:events';
import { createServer } from 'node:http';
import { buildResumeArray, HttpAgent, type Message } from '@ag-ui/client';
import { EventSchemas } from '@ag-ui/core/schemas';
import { cutsOf, logNames, logs, rebuilt, rendered, renderedPause, type LogName } from './run-logs.testing';

/** A server that answers every request with the next of its bodies. */
async function serve(bodies: string[]) {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(bodies.shift());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The server has no port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')),
  };
}

/** What the client makes of the bodies, one connection after the other. It refuses what is not in order. */
async function read(...bodies: string[]) {
  await using server = await serve([...bodies]);
  const agent = new HttpAgent({ url: server.url });
  const [customs, errors]: [unknown[], string[]] = [[], []];
  let result: unknown;
  for (let turn = 0; turn < bodies.length; turn += 1) {
    const outcome = await agent.runAgent(
      {},
      {
        onCustomEvent: ({ event }) => void customs.push(event),
        onRunErrorEvent: ({ event }) => void errors.push(`${event.code}: ${event.message}`),
      },
    );
    result = outcome.result;
  }
  return { messages: agent.messages, customs, errors, result };
}

const all = (name: LogName) => read(rendered('ag-ui', logs[name]));
const textsOf = (messages: readonly Message[]) =>
  messages.flatMap(({ role, content }) => (role === 'assistant' && content ? [content] : []));

const framesOf = (body: string) =>
  body
    .split('\n\n')
    .slice(0, -1)
    .map((block): unknown => JSON.parse(block.slice(block.indexOf('data: ') + 6)));

describe('the events of AG-UI', () => {
  it.each(logNames)('are as its schemas say: %s', (name) => {
    for (const frame of framesOf(rendered('ag-ui', logs[name]))) expect(EventSchemas.parse(frame)).toEqual(frame);
  });

  it('tell an answer and how it ended', async () => {
    const { messages, result } = await all('text');
    expect(messages).toMatchObject([{ id: 'run-1:1', role: 'assistant', content: 'Good day.' }]);
    expect(result).toEqual({ output: 'Good day.', stop_reason: 'stop', incomplete: null });
    const [first, ...others] = framesOf(rendered('ag-ui', logs.text));
    expect(first).toEqual({ type: 'RUN_STARTED', threadId: 'conversation-1', runId: 'run-1', protocolVersion: '1.0' });
    expect(others.at(-1)).toMatchObject({
      type: 'RUN_FINISHED',
      outcome: { type: 'success' },
      usage: [{ inputTokens: 7, outputTokens: 7, reasoningTokens: 4, cachedInputTokens: 2 }],
    });
  });

  it('tell what the model thinks', async () => {
    expect((await all('reasoning')).messages).toMatchObject([
      { role: 'reasoning', content: 'Hm, easy.' },
      { role: 'assistant', content: 'Two and two.' },
    ]);
  });

  it("tell the calls of tools as parts of their step's message", async () => {
    const { messages } = await all('tools');
    expect(messages).toMatchObject([
      {
        role: 'assistant',
        content: 'I will pay.',
        toolCalls: [
          { id: 'call_1', function: { name: 'pay', arguments: '{"sum":7}' } },
          { id: 'call_2', function: { name: 'look', arguments: 'no JSON' } },
        ],
      },
      { role: 'tool', toolCallId: 'call_1', content: '{"ok":1}' },
      { role: 'tool', toolCallId: 'call_2', content: expect.stringContaining('They are no JSON.') },
      { role: 'assistant', toolCalls: [{ id: 'call_3' }] },
      { role: 'tool', toolCallId: 'call_3', content: 'Paid.' },
      { role: 'reasoning', content: 'Done?' },
      { role: 'assistant', content: 'All paid.' },
    ]);
  });

  it('ask for an approval, and go on when somebody has decided', async () => {
    const { customs, messages } = await all('rejected');
    expect(customs).toMatchObject([{ name: 'approval.required', value: { id: 'call_1', name: 'pay' } }]);
    expect(messages).toMatchObject([
      { toolCalls: [{ id: 'call_1' }] },
      { role: 'tool', content: expect.stringContaining('"status":"rejected"') },
      { content: 'Then not.' },
    ]);
  });

  it('end with an interrupt where the run waits, and go on in the same messages for who has answered', async () => {
    for (const name of ['approved', 'rejected'] as const) {
      const { paused, rest } = renderedPause('ag-ui', logs[name]);
      for (const frame of framesOf(paused + rest)) expect(EventSchemas.parse(frame)).toEqual(frame);
      expect(framesOf(paused).at(-1)).toMatchObject({
        type: 'RUN_FINISHED',
        outcome: {
          type: 'interrupt',
          interrupts: [{ id: 'run-1:call_1', reason: 'tool_call', toolCallId: 'call_1', message: expect.any(String) }],
        },
      });
      await using server = await serve([paused, rest]);
      const agent = new HttpAgent({ url: server.url });
      await agent.runAgent();
      const resume = buildResumeArray(agent.pendingInterrupts, {
        'run-1:call_1': { status: 'resolved', payload: { approved: true } },
      });
      await agent.runAgent({ resume });
      expect(agent.messages).toEqual((await all(name)).messages);
      expect(agent.pendingInterrupts).toEqual([]);
    }
  });

  it('tell of a run that failed, and of one that was cancelled', async () => {
    expect((await all('failed')).errors).toEqual(['rate_limited: The provider refuses.']);
    for (const name of ['cancelled', 'unstarted'] as const) {
      const frames = framesOf(rendered('ag-ui', logs[name]));
      expect(frames.at(-1)).toMatchObject({ type: 'RUN_FINISHED', outcome: { type: 'cancelled' } });
      expect((await all(name)).errors).toEqual([]);
    }
  });

  it('name the message that is void when a step starts again', async () => {
    const { customs, messages } = await all('retried');
    expect(customs).toMatchObject([{ name: 'step.retried', value: { step: 2, after_id: 5, message_id: 'run-1:2' } }]);
    expect(textsOf(messages.filter(({ id }) => id !== 'run-1:2'))).toEqual(['Let me pay.', 'It is paid.']);
  });
});

describe('the events of AG-UI, resumed', () => {
  it.each(logNames)('go on in the same messages, wherever they were cut (%s)', async (name) => {
    const uncut = rendered('ag-ui', logs[name]);
    const { messages } = await read(uncut);
    for (const { had, after } of cutsOf(uncut)) {
      const rest = rendered('ag-ui', logs[name], after);
      for (const frame of framesOf(rest)) expect(EventSchemas.parse(frame)).toEqual(frame);
      expect((await read(had, rest)).messages).toEqual(messages);
    }
  });

  it('name what a rebuilt log tells otherwise', async () => {
    const cuts = cutsOf(rendered('ag-ui', logs.reasoning)).filter(({ after }) => after > 1 && after < 5);
    for (const { had, after } of cuts) {
      const { messages, customs } = await read(had, rendered('ag-ui', rebuilt, after));
      expect(customs).toMatchObject([{ name: 'step.retried', value: { after_id: 1, message_id: 'run-1:1' } }]);
      expect(textsOf(messages.filter(({ id }) => id !== 'run-1:1'))).toEqual(['Two and two.']);
    }
    expect(cuts.length).toBeGreaterThan(0);
  });
});
