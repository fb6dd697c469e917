import { DefaultChatTransport, readUIMessageStream, type UIMessage } from 'ai';
import type { RunEvent } from '@taai/contracts';
import { aiSdk } from './ai-sdk';
import { cutsOf, logNames, logs, rebuilt, rendered, renderedPause, run, type LogName } from './run-logs.testing';
import { RunRendering } from './run-rendering';

interface Told {
  message: UIMessage | undefined;
  errors: string[];
}

/** What the SDK makes of a body: by its transport, which refuses frames that it does not know, and its reader. */
async function read(body: string): Promise<Told> {
  const transport = new DefaultChatTransport({ api: 'http://gateway', fetch: async () => new Response(body) });
  const stream = await transport.sendMessages({
    trigger: 'submit-message',
    chatId: 'chat',
    messageId: undefined,
    messages: [],
    abortSignal: undefined,
  });
  const errors: string[] = [];
  const onError = (error: unknown) => errors.push(String(error));
  const messages = await Array.fromAsync(readUIMessageStream({ stream, onError }));
  return { message: messages.at(-1), errors };
}

const all = (name: LogName) => read(rendered('ai-sdk', logs[name]));
const partsOf = ({ message }: Told) => message?.parts ?? [];
const textOf = (told: Told) =>
  partsOf(told)
    .flatMap((part) => (part.type === 'text' ? [part.text] : []))
    .join('|');
/** The same for a reader that went on: a part that was open goes on as another one. */
const wordsOf = (told: Told) => textOf(told).replaceAll('|', '');
const outlineOf = (told: Told) =>
  partsOf(told).map((part) => ('state' in part ? `${part.type} ${part.state}` : part.type));

describe("the AI SDK's stream", () => {
  it('is one message, named after the run', async () => {
    const told = await all('text');
    expect(told).toMatchObject({ errors: [], message: { id: run.id, role: 'assistant' } });
    expect(told.message?.metadata).toMatchObject({
      run_id: run.id,
      conversation_id: run.conversation_id,
      usage: { output_tokens: 3 },
    });
    expect(outlineOf(told)).toEqual(['step-start', 'text done']);
    expect(textOf(told)).toBe('Good day.');
  });

  it('ends as the SDK expects it, and says why', () => {
    const body = rendered('ai-sdk', logs.text);
    expect(body).toMatch(/^data: \{"type":"start"[^]*\n\ndata: \[DONE\]\n\n$/);
    expect(body).toContain('{"type":"finish","finishReason":"stop"');
  });

  it('shows what the model thinks', async () => {
    expect(partsOf(await all('reasoning'))).toMatchObject([
      { type: 'step-start' },
      { type: 'reasoning', text: 'Hm, easy.', state: 'done' },
      { type: 'text', text: 'Two and two.', state: 'done' },
    ]);
  });

  it('shows the calls of tools, step by step', async () => {
    expect(partsOf(await all('tools'))).toMatchObject([
      { type: 'step-start' },
      { type: 'text', text: 'I will pay.' },
      { type: 'dynamic-tool', toolName: 'pay', input: { sum: 7 }, output: { ok: 1 }, providerExecuted: true },
      {
        type: 'dynamic-tool',
        toolName: 'look',
        input: 'no JSON',
        state: 'output-error',
        errorText: 'They are no JSON.',
      },
      { type: 'step-start' },
      { type: 'dynamic-tool', toolCallId: 'call_3', state: 'output-available', output: 'Paid.' },
      { type: 'step-start' },
      { type: 'reasoning', text: 'Done?' },
      { type: 'text', text: 'All paid.' },
    ]);
  });

  it('asks for an approval, and tells of the decision', async () => {
    const asked = await read(rendered('ai-sdk', logs.approved.slice(0, 4)));
    expect(partsOf(asked)[1]).toMatchObject({ state: 'approval-requested', approval: { id: 'call_1' } });
    expect(partsOf(await all('approved'))[1]).toMatchObject({ state: 'output-available' });
    expect(partsOf(await all('rejected'))[1]).toMatchObject({ state: 'output-denied', approval: { approved: false } });
  });

  it('ends where the run waits for who reads it, and is told on to who has answered, as one message', async () => {
    for (const name of ['approved', 'rejected'] as const) {
      const { mayWait, paused, rest } = renderedPause('ai-sdk', logs[name]);
      expect(mayWait).toBe(true);
      expect(paused).toMatch(/\{"type":"finish","finishReason":"tool-calls"\}\n\ndata: \[DONE\]\n\n$/);
      expect(rest).not.toMatch(/"type":"(start|tool-input-available|tool-approval-request)"/);
      const whole = await read(paused.replace('data: [DONE]\n\n', '') + rest);
      expect(whole).toEqual(await all(name));
    }
  });

  it('may end at no request that is not the last, nor for who was there already', () => {
    const second = { ...logs.approved[2], id: 4, data: { id: 'call_2', name: 'pay', arguments: {} } } as RunEvent;
    const waits = { ...logs.approved[3], id: 5 } as RunEvent;
    const rendering = renderedPause('ai-sdk', [...logs.approved.slice(0, 3), second, waits]);
    expect(rendering.mayWait).toBe(false);
    const goesOn = new RunRendering(aiSdk, run, { after: 4 });
    for (const event of logs.approved.slice(0, 4)) goesOn.format(event);
    expect(goesOn.mayWait).toBe(false);
  });

  it('tells of calls that the end of the run has overtaken', async () => {
    expect(partsOf(await all('overtaken'))[1]).toMatchObject({
      state: 'output-error',
      errorText: 'The run has ended.',
    });
  });

  it.each([
    ['failed', ['Error: The provider refuses.'], 'I wo'],
    ['cancelled', [], 'I wo'],
    ['unstarted', [], ''],
  ] as const)('tells of a run that is %s', async (name, errors, text) => {
    const told = await all(name);
    expect(told.errors).toEqual(errors);
    expect(textOf(told)).toBe(text);
    if (name !== 'failed') expect(rendered('ai-sdk', logs[name])).toContain('{"type":"abort"');
  });

  it('takes back what a step had said that starts again', async () => {
    const told = await all('retried');
    expect(textOf(told)).toBe('Let me pay.|It is paid.');
    expect(outlineOf(told)).toEqual([
      'step-start',
      'text done',
      'dynamic-tool output-available',
      'step-start',
      'text done',
    ]);
  });
});

describe("the AI SDK's stream, resumed", () => {
  it.each(logNames)('tells one that kept what it had of it the rest, wherever it was cut (%s)', async (name) => {
    const uncut = await all(name);
    for (const { had, after } of cutsOf(rendered('ai-sdk', logs[name]))) {
      const told = await read(had + rendered('ai-sdk', logs[name], after));
      expect(told.errors).toEqual(expect.arrayContaining(uncut.errors));
      expect(wordsOf(told)).toBe(wordsOf(uncut));
      expect(partsOf(told).filter(isTool)).toEqual(partsOf(uncut).filter(isTool));
    }
  });

  it.each(logNames)('makes sense to one that has nothing of what came before (%s)', async (name) => {
    const { errors } = await all(name);
    for (const { id } of logs[name].slice(0, -1))
      expect((await read(rendered('ai-sdk', logs[name], id))).errors).toEqual(errors);
  });

  it('sends nothing but the end once all is told', () => {
    expect(rendered('ai-sdk', logs.text, 6)).toBe('data: [DONE]\n\n');
  });

  it('takes back what a rebuilt log tells otherwise', async () => {
    for (const first of cutsOf(rendered('ai-sdk', logs.reasoning))) {
      const rest = rendered('ai-sdk', rebuilt, first.after);
      expect(wordsOf(await read(first.had + rest))).toBe('Two and two.');
      // Cut once more while it is taken back.
      for (const { had, after } of cutsOf(rest)) {
        const told = await read(first.had + had + rendered('ai-sdk', rebuilt, after || first.after));
        expect([told.errors, wordsOf(told)]).toEqual([[], 'Two and two.']);
      }
    }
  });

  it('passes over events of a newer release', async () => {
    const [first, ...rest] = logs.text;
    const unknown = { id: 2, type: 'thought.weighed', data: {} } as unknown as RunEvent;
    const later = rest.map((event) => ({ ...event, id: event.id + 1 }));
    expect(textOf(await read(rendered('ai-sdk', first ? [first, unknown, ...later] : [])))).toBe('Good day.');
  });
});

const isTool = ({ type }: { type: string }) => type === 'dynamic-tool';
