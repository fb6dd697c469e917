import { HttpAgent } from '@ag-ui/client';
import { DefaultChatTransport, readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai';
import type { Json } from './support/client';
import { allEvents, type StreamEvent } from './support/events';
import { eventually } from './support/eventually';
import { sharedFleet } from './support/shared-fleet';
import { newAgent, newTenant, type TestTenant } from './support/tenant';

const { anonymous, gateways, sandboxUrl } = sharedFleet();

const question = (text: string): UIMessage => ({ id: 'question', role: 'user', parts: [{ type: 'text', text }] });

const tellOf = (events: readonly StreamEvent[], wanted: string) =>
  events.flatMap(({ type, data }) => (type === wanted ? [data.text] : [])).join('');

const partOf = (message: UIMessage | undefined, wanted: 'text' | 'reasoning') =>
  (message?.parts ?? []).flatMap((part) => (part.type === wanted ? [part.text] : [])).join('');

const cutStream = new Error('cut');

/** The chunks up to the one that `isLast` accepts; then the stream fails, as one of a connection that was lost. */
const cutAt = (isLast: (chunk: UIMessageChunk) => boolean) =>
  new TransformStream<UIMessageChunk, UIMessageChunk>({
    transform(chunk, controller) {
      controller.enqueue(chunk);
      if (isLast(chunk)) controller.error(cutStream);
    },
  });

describe('UIs that speak', () => {
  let tenant: TestTenant;
  let agent: string;
  let headers: Record<string, string>;

  beforeAll(async () => {
    tenant = await newTenant(anonymous);
    // A vendor that shows what its models think.
    agent = await newAgent(tenant, sandboxUrl, 'sandbox-1', 'anthropic');
    headers = { authorization: `Bearer ${tenant.client.token}` };
  });

  const newConversation = async () =>
    (await tenant.client.post('/v1/conversations', { agent_id: agent })).body['id'] as string;

  const eventsOf = async (runId: string) => allEvents(await tenant.client.fetch('GET', `/v1/runs/${runId}/events`));

  const messagesOf = async (conversation: string) =>
    (await tenant.client.get(`/v1/conversations/${conversation}/messages`)).body['data'] as Json[];

  describe("the AI SDK's stream", () => {
    /** As an application sets `useChat` up; its streams are read on at the other gateway. */
    const transportOf = (conversation: string, runId = '') =>
      new DefaultChatTransport({
        api: `${gateways[0]}/v1/conversations/${conversation}/messages?format=ai-sdk`,
        headers,
        prepareReconnectToStreamRequest: () => ({ api: `${gateways[1]}/v1/runs/${runId}/events?format=ai-sdk` }),
      });

    const send = (conversation: string, ...messages: UIMessage[]) =>
      transportOf(conversation).sendMessages({
        trigger: 'submit-message',
        chatId: conversation,
        messageId: undefined,
        messages,
        abortSignal: undefined,
      });

    const resume = async (conversation: string, runId: string) => {
      const stream = await transportOf(conversation, runId).reconnectToStream({ chatId: conversation });
      if (!stream) throw new Error('There is nothing to resume.');
      return stream;
    };

    const readAll = async (stream: ReadableStream<UIMessageChunk>, message?: UIMessage) =>
      (await Array.fromAsync(readUIMessageStream({ stream, ...(message && { message }) }))).at(-1);

    it('send messages and read replies, and what the model thinks', async () => {
      const conversation = await newConversation();
      const first = await readAll(await send(conversation, question('Hello [[tokens=8 delay=1]]')));
      if (!first) throw new Error('There is no reply.');
      const second = await readAll(
        await send(conversation, question('Hello'), first, question('Think [[reason=4 tokens=8 delay=1]]')),
      );
      const events = await eventsOf(second?.id ?? '');
      expect(partOf(second, 'text')).toBe(tellOf(events, 'token'));
      expect(partOf(second, 'reasoning')).toBe(tellOf(events, 'reasoning'));
      expect(partOf(second, 'reasoning')).not.toBe('');
      await eventually(async () =>
        expect(await messagesOf(conversation)).toMatchObject([
          { content: 'Hello [[tokens=8 delay=1]]' },
          { content: partOf(first, 'text'), run_id: first.id },
          { content: 'Think [[reason=4 tokens=8 delay=1]]' },
          { content: partOf(second, 'text'), run_id: second?.id },
        ]),
      );
    });

    it('read a stream that was cut in the middle from its start, at another gateway', async () => {
      const conversation = await newConversation();
      let deltas = 0;
      const stream = await send(conversation, question('Hello [[tokens=60 delay=15]]'));
      const cut = stream.pipeThrough(cutAt(({ type }) => type === 'text-delta' && ++deltas === 10));
      const partial = await readAll(cut);
      expect(partOf(partial, 'text')).not.toBe('');
      const whole = await readAll(await resume(conversation, partial?.id ?? ''));
      const events = await eventsOf(partial?.id ?? '');
      expect(whole?.id).toBe(partial?.id);
      expect(partOf(whole, 'text')).toBe(tellOf(events, 'token'));
      expect(events.at(-1)).toMatchObject({ type: 'run.completed', data: { stop_reason: 'stop', incomplete: null } });
    });
  });

  describe('AG-UI', () => {
    const agentAt = (url: string) => new HttpAgent({ url, headers });

    it('run an agent', async () => {
      const client = agentAt(`${gateways[0]}/v1/agents/${agent}/runs?format=ag-ui`);
      client.addMessage({ id: 'question', role: 'user', content: 'Think [[reason=4 tokens=8 delay=1]]' });
      let runId = '';
      const { newMessages, result } = await client.runAgent(
        {},
        { onRunStartedEvent: ({ event }) => void (runId = event.runId) },
      );
      const events = await eventsOf(runId);
      const said = (role: string) =>
        newMessages.filter((message) => message.role === role).map(({ content }) => content);
      expect(said('assistant')).toEqual([tellOf(events, 'token')]);
      expect(said('reasoning')).toEqual([tellOf(events, 'reasoning')]);
      expect(result).toEqual(events.at(-1)?.data);
    });

    it('talk in a conversation, turn by turn', async () => {
      const conversation = await newConversation();
      const client = agentAt(`${gateways[0]}/v1/conversations/${conversation}/messages?format=ag-ui`);
      for (const turn of [1, 2]) {
        client.addMessage({ id: `question ${turn}`, role: 'user', content: `turn ${turn} [[tokens=4 delay=1]]` });
        await client.runAgent();
      }
      const said = client.messages.map(({ role, content }) => ({ role, content }));
      expect(said).toHaveLength(4);
      await eventually(async () => expect(await messagesOf(conversation)).toMatchObject(said));
    });
  });

  it('change between each other in mid-stream, and lose nothing', async () => {
    const { body } = await tenant.client.post(`/v1/agents/${agent}/runs`, { input: 'Hello [[tokens=20 delay=1]]' });
    const events = await eventsOf(body['id']);
    const middle = events[Math.floor(events.length / 2)]?.id ?? 0;
    const path = `/v1/runs/${body['id']}/events`;
    const before = tellOf(events.slice(0, middle), 'token');

    const aiSdk = await readRest(
      `${path}?format=ai-sdk`,
      middle,
      /"text-delta","id":"[^"]+","delta":("(?:[^"\\]|\\.)*")/,
    );
    const agUi = await readRest(
      `${path}?format=ag-ui`,
      middle,
      /"TEXT_MESSAGE_CONTENT"[^\n]*"delta":("(?:[^"\\]|\\.)*")/,
    );
    expect([before + aiSdk, before + agUi]).toEqual([body['output'], body['output']]);
  });

  /** The text that the stream tells after the event. */
  async function readRest(path: string, after: number, delta: RegExp): Promise<string> {
    const response = await tenant.client.fetch('GET', path, { headers: { 'last-event-id': String(after) } });
    const lines = (await response.text()).split('\n');
    return lines
      .flatMap((line) => delta.exec(line)?.[1] ?? [])
      .map((json) => String(JSON.parse(json)))
      .join('');
  }
});
