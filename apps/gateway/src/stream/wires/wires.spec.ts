import { HttpAgent } from '@ag-ui/client';
import { ProblemError } from '@taai/contracts';
import { DefaultChatTransport, readUIMessageStream, type UIMessage } from 'ai';
import { bearer, EVENTS_PATH, startEdge, type TestEdge } from '../../http/http.testing';
import type { ServerSentEvent } from '../sse';
import { logs, run } from './run-logs.testing';

const ID = '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42';
const MESSAGES = `/v1/conversations/${ID}/messages`;
const RUNS = `/v1/agents/${ID}/runs`;

const userSays = (text: string): UIMessage => ({ id: 'm', role: 'user', parts: [{ type: 'text', text }] });
const chat = (...messages: unknown[]) => ({ id: 'chat', messages, trigger: 'submit-message' });
const agUi = (...messages: unknown[]) => ({ threadId: 't', runId: 'r', messages, state: {}, tools: [], context: [] });

describe('the formats of UIs', () => {
  let edge: TestEdge;
  let inputs: object[];
  let counted: string[];
  let decisions: object[];
  /** How the run stands. */
  let standing: object;
  /** What a decision is answered with. */
  let refusal: ProblemError | undefined;
  let events: () => AsyncIterable<ServerSentEvent>;

  beforeAll(async () => {
    const remember = (answer: object) => async (input: object) => {
      inputs.push(input);
      return answer;
    };
    const outcome = { id: run.id, conversation_id: run.conversation_id, status: 'running' };
    const methods = {
      send: remember({ message: { conversation_id: run.conversation_id }, run_id: run.id }),
      start: remember(outcome),
      outcome: async (input: object) => {
        inputs.push(input);
        return { ...outcome, ...standing };
      },
      decide: async (decision: object) => {
        decisions.push(decision);
        if (refusal) throw refusal;
        standing = { ...standing, status: 'running' };
      },
    };
    const take = async (kind: string) => void counted.push(kind);
    edge = await startEdge({}, { methods, events: () => events(), take });
  });
  beforeEach(() => {
    [inputs, counted, decisions, standing, refusal] = [[], [], [], {}, undefined];
    events = async function* () {
      yield* logs.tools;
    };
  });
  afterAll(() => edge.close());

  const ask = (path: string, body?: object, headers: Record<string, string> = {}) =>
    edge.fetch(path, {
      method: body ? 'POST' : 'GET',
      headers: { ...bearer, ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });

  it.each([
    ['?format=ai-sdk', {}],
    ['', { accept: 'application/json, text/event-stream;q=0.9; format="ai-sdk"' }],
    ['?format=ai-sdk', { accept: 'text/event-stream;format=ag-ui' }],
  ])('are asked for by the query, else by Accept (%s %j)', async (query, headers) => {
    const { headers: told, text } = await ask(MESSAGES + query, { content: 'Pay' }, headers);
    expect(told.get('x-vercel-ai-ui-message-stream')).toBe('v1');
    expect(told.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(text).toMatch(/^data: \{"type":"start"[^]*data: \[DONE\]\n\n$/);
    expect(inputs).toEqual([{ id: ID, content: 'Pay' }]);
    expect(counted).toEqual(['open_streams']);
  });

  it('leave our own words as they are without them', async () => {
    const plain = await ask(RUNS, { input: 'Pay', stream: true }, { accept: 'text/event-stream' });
    expect(plain.text).toMatch(/^id: 1\nevent: run.started\n/);
    expect(plain.headers.has('x-vercel-ai-ui-message-stream')).toBe(false);
  });

  it('tell what comes after an event', async () => {
    const { text } = await ask(`${EVENTS_PATH}?format=ag-ui&after=15`);
    expect(text).toMatch(/^data: \{"type":"RUN_STARTED"[^]*id: 15\n[^]*id: 16\n[^]*"RUN_FINISHED"/);
    const resumed = await ask(`${EVENTS_PATH}?format=ag-ui`, undefined, { 'last-event-id': '15' });
    expect(resumed.text).toBe(text);
  });

  it.each([
    [EVENTS_PATH, undefined],
    [MESSAGES, { content: 'Pay' }],
    [RUNS, { input: 'Pay' }],
  ])('are refused where there is no such one (%s)', async (path, body) => {
    const { status, text } = await ask(`${path}?format=telex`, body);
    expect([status, JSON.parse(text)]).toMatchObject([400, { errors: [{ path: 'format' }] }]);
    expect(inputs).toEqual([]);
  });

  it('end with what failed, in their words', async () => {
    events = async function* () {
      yield* logs.text.slice(0, 2);
      throw new ProblemError('service_unavailable');
    };
    expect((await ask(`${EVENTS_PATH}?format=ai-sdk`)).text).toMatch(/\{"type":"error","errorText":"[^"]+"\}\n\n$/);
    expect((await ask(`${EVENTS_PATH}?format=ag-ui`)).text).toMatch(/"RUN_ERROR"[^\n]*"service_unavailable"\}\n\n$/);
  });

  describe('with bodies of their own', () => {
    const text = [{ type: 'text', text: 'Pay' }];
    const history = [userSays('Hello'), { id: 'a', role: 'assistant', parts: [{ type: 'text', text: 'Hi' }] }];

    it.each([
      [MESSAGES, 'ai-sdk', chat(...history, userSays('Pay')), { content: 'Pay' }],
      [MESSAGES, 'ag-ui', agUi({ id: 'u', role: 'user', content: text }), { content: 'Pay' }],
      [RUNS, 'ai-sdk', chat(userSays('Pay')), { input: 'Pay' }],
      [RUNS, 'ag-ui', agUi({ id: 'u', role: 'user', content: 'Pay' }), { input: 'Pay' }],
    ])('%s takes what the user said last (%s)', async (path, format, body, input) => {
      expect((await ask(`${path}?format=${format}`, body)).status).toBe(200);
      expect(inputs).toEqual([{ id: ID, ...input }]);
    });

    const image = { type: 'file', mediaType: 'image/png', url: 'data:' };
    it.each([
      [RUNS, 'ai-sdk', chat(...history, userSays('Pay')), 'messages'],
      [MESSAGES, 'ai-sdk', chat(), 'messages'],
      [MESSAGES, 'ai-sdk', chat(...history), 'messages.1.role'],
      [RUNS, 'ai-sdk', chat({ role: 'user', parts: [...text, image] }), 'messages'],
      [MESSAGES, 'ai-sdk', chat({ role: 'user', parts: [...text, image] }), 'attachments.0'],
      [MESSAGES, 'ai-sdk', chat({ role: 'user', parts: [...text, { type: 'step-start' }] }), 'messages.0.parts.1.type'],
      [MESSAGES, 'ai-sdk', chat({ role: 'user', parts: [{ type: 'text' }] }), 'messages.0.parts.0.text'],
      [MESSAGES, 'ai-sdk', chat('Pay'), 'messages.0'],
      [MESSAGES, 'ai-sdk', { ...chat(userSays('Pay')), trigger: 'regenerate-message' }, 'trigger'],
      [MESSAGES, 'ai-sdk', { ...chat(userSays('Pay')), messageId: 'm' }, 'messageId'],
      [MESSAGES, 'ai-sdk', { ...chat(userSays('Pay')), model: 'best' }, 'model'],
      [MESSAGES, 'ag-ui', { ...agUi({ role: 'user', content: 'Pay' }), tools: [{ name: 'pay' }] }, 'tools'],
      [MESSAGES, 'ag-ui', { ...agUi({ role: 'user', content: 'Pay' }), state: { paid: false } }, 'state'],
      [MESSAGES, 'ag-ui', agUi({ role: 'user', content: 7 }), 'messages.0.content'],
    ])('%s refuses by name what would be lost (%s, %j)', async (path, format, body, field) => {
      const answer = await ask(`${path}?format=${format}`, body);
      expect([answer.status, JSON.parse(answer.text)]).toMatchObject([400, { errors: [{ path: field }] }]);
      expect(inputs).toEqual([]);
    });

    it('are what the SDKs send', async () => {
      const api = edge.url + MESSAGES;
      const transport = new DefaultChatTransport({ api: `${api}?format=ai-sdk`, headers: bearer });
      const stream = await transport.sendMessages({
        trigger: 'submit-message',
        chatId: 'chat',
        messageId: undefined,
        messages: [userSays('Pay')],
        abortSignal: undefined,
      });
      expect((await Array.fromAsync(readUIMessageStream({ stream }))).at(-1)?.id).toBe(run.id);

      const agent = new HttpAgent({ url: `${api}?format=ag-ui`, headers: bearer });
      agent.addMessage({ id: 'u', role: 'user', content: 'Pay' });
      expect((await agent.runAgent()).newMessages.at(-1)?.content).toBe('All paid.');
      expect(inputs).toEqual([
        { id: ID, content: 'Pay' },
        { id: ID, content: 'Pay' },
      ]);
    });
  });

  describe('where a run waits for a person', () => {
    const call = (approved: unknown = true, more = {}) => ({
      type: 'dynamic-tool',
      toolName: 'pay',
      toolCallId: 'call_1',
      input: {},
      state: 'approval-responded',
      approval: { id: 'call_1', approved, ...more },
    });
    const answered = (...parts: object[]) => ({
      ...chat(userSays('Pay'), { id: ID, role: 'assistant', parts: [{ type: 'step-start' }, ...parts] }),
      messageId: ID,
    });
    const resume = (...entries: object[]) => ({ ...agUi(), resume: entries });
    const entry = (payload: object = { approved: true }, more = {}) => ({
      interruptId: `${ID}:call_1`,
      status: 'resolved',
      payload,
      ...more,
    });

    beforeEach(() => {
      standing = { id: ID, conversation_id: ID, agent_id: ID, status: 'waiting_approval' };
      events = async function* () {
        yield* logs.approved.slice(0, 4);
        if ('status' in standing && standing.status === 'waiting_approval') await new Promise(() => undefined);
        yield* logs.approved.slice(4);
      };
    });

    it.each([
      [
        'ai-sdk',
        /"tool-approval-request"[^\n]*\n\ndata: \{"type":"finish","finishReason":"tool-calls"\}\n\ndata: \[DONE\]\n\n$/,
      ],
      [
        'ag-ui',
        /"approval.required"[^\n]*\n\n[^\n]*"STEP_FINISHED"[^\n]*\n\n[^\n]*"RUN_FINISHED"[^\n]*"interrupt"[^\n]*\n\n$/,
      ],
    ])('the answer ends, for the reader to decide (%s)', async (format, end) => {
      expect((await ask(`${MESSAGES}?format=${format}`, { content: 'Pay' })).text).toMatch(end);
      expect((await ask(`${EVENTS_PATH}?format=${format}`)).text).toMatch(end);
    });

    it('the answer goes on where somebody has decided before it was told of the request', async () => {
      standing = { ...standing, status: 'running' };
      const { text } = await ask(`${MESSAGES}?format=ai-sdk`, { content: 'Pay' });
      expect(text).toMatch(/"tool-approval-request"[^]*"tool-output-available"[^]*"finish"[^]*\[DONE\]\n\n$/);
    });

    it.each([
      [MESSAGES, 'ai-sdk', answered(call()), 'approve'],
      [MESSAGES, 'ai-sdk', answered(call(false)), 'reject'],
      [RUNS, 'ai-sdk', answered(call()), 'approve'],
      [MESSAGES, 'ag-ui', resume(entry()), 'approve'],
      [MESSAGES, 'ag-ui', resume(entry({ approved: false })), 'reject'],
      [RUNS, 'ag-ui', resume({ interruptId: `${ID}:call_1`, status: 'cancelled' }), 'reject'],
    ])('%s takes the decision (%s), and tells the rest', async (path, format, body, decision) => {
      if (path === RUNS) standing = { ...standing, conversation_id: null };
      const { status, text } = await ask(`${path}?format=${format}`, body);
      expect(decisions).toEqual([{ id: ID, tool_call_id: 'call_1', decision }]);
      expect([status, counted]).toEqual([200, ['open_streams']]);
      // No message: the run is looked at before, and where its answer might end.
      expect(inputs).toEqual([{ id: ID }, { id: ID }]);
      expect(text).not.toMatch(/tool-approval-request|approval.required|TOOL_CALL_START/);
      expect(text).toMatch(/"tool-output-available"[^]*"Paid."[^]*"finish"|"TOOL_CALL_RESULT"[^]*"Paid."[^]*"success"/);
    });

    it('a run that is elsewhere is none, and what refuses the decision is the answer', async () => {
      const body = answered(call());
      standing = { ...standing, conversation_id: 'another one' };
      expect(await ask(`${MESSAGES}?format=ai-sdk`, body)).toMatchObject({ status: 404 });
      expect(decisions).toEqual([]);
      standing = { ...standing, conversation_id: ID };
      refusal = new ProblemError('conflict');
      expect(await ask(`${MESSAGES}?format=ai-sdk`, body)).toMatchObject({ status: 409 });
    });

    it.each([
      ['ai-sdk', answered(call('yes')), 'messages.1.parts.1.approval.approved'],
      ['ai-sdk', answered(call(true, { id: 'call_2' })), 'messages.1.parts.1.approval'],
      ['ai-sdk', answered(call(true, { reason: 'Too much.' })), 'messages.1.parts.1.approval.reason'],
      ['ai-sdk', { ...answered(call()), messageId: 'm' }, 'messageId'],
      ['ai-sdk', { ...answered(call()), trigger: 'regenerate-message' }, 'trigger'],
      ['ai-sdk', chat({ id: 'm', role: 'assistant', parts: [call()] }), 'messages.0.id'],
      ['ag-ui', resume(entry({ approved: 1 })), 'resume.0.payload.approved'],
      ['ag-ui', resume(entry({ approved: true, editedArgs: {} })), 'resume.0.payload.editedArgs'],
      ['ag-ui', resume(entry({}, { interruptId: 'call_1' })), 'resume.0.interruptId'],
      ['ag-ui', resume(entry(undefined, { interruptId: `${ID}:\0` })), 'resume.0.interruptId'],
      ['ag-ui', resume(entry({}, { status: 'ignored' })), 'resume.0.status'],
      ['ag-ui', resume(entry(undefined, { metadata: { by: 'me' } })), 'resume.0.metadata'],
      ['ag-ui', resume(entry(), { ...entry(), interruptId: `${run.id}:x` }), 'resume.1.interruptId'],
      ['ag-ui', { ...resume(entry()), tools: [{ name: 'pay' }] }, 'tools'],
    ])('refuses by name what is no decision (%s, %j)', async (format, body, field) => {
      const answer = await ask(`${MESSAGES}?format=${format}`, body);
      expect([answer.status, JSON.parse(answer.text)]).toMatchObject([400, { errors: [{ path: field }] }]);
      expect(decisions).toEqual([]);
    });
  });
});
