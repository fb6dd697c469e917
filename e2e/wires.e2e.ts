import { buildResumeArray, HttpAgent } from '@ag-ui/client';
import { isToolUIPart, lastAssistantMessageIsCompleteWithApprovalResponses } from 'ai';
import type { Json } from './support/client';
import { allEvents, type StreamEvent } from './support/events';
import { eventually } from './support/eventually';
import { sharedFleet } from './support/shared-fleet';
import { colleague, newAgent, newTenant, type TestTenant } from './support/tenant';
import { brittleFetch, UiChat } from './support/ui-chat';

const { anonymous, gateways, sandboxUrl } = sharedFleet();

const textOf = (events: readonly StreamEvent[], wanted: 'token' | 'reasoning') =>
  events.flatMap(({ type, data }) => (type === wanted ? [data.text] : [])).join('');

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

  const newConversation = async (agent_id = agent) =>
    (await tenant.client.post('/v1/conversations', { agent_id })).body['id'] as string;

  const eventsOf = async (runId: string) => allEvents(await tenant.client.fetch('GET', `/v1/runs/${runId}/events`));

  const messagesOf = async (conversation: string) =>
    (await tenant.client.get(`/v1/conversations/${conversation}/messages`)).body['data'] as Json[];

  describe("the AI SDK's stream", () => {
    const apiOf = (conversation: string) => `${gateways[0]}/v1/conversations/${conversation}/messages?format=ai-sdk`;

    it('send messages and read replies, and what the model thinks', async () => {
      const conversation = await newConversation();
      const chat = new UiChat({ api: apiOf(conversation), headers });
      const texts = ['Hello [[tokens=8 delay=1]]', 'Think [[reason=4 tokens=8 delay=1]]'];
      const replies: object[] = [];
      for (const text of texts) {
        await chat.sendMessage({ text });
        replies.push({ role: 'assistant', content: chat.told('text'), run_id: chat.lastMessage?.id });
      }
      const events = await eventsOf(chat.lastMessage?.id ?? '');
      expect(chat.told('text')).toBe(textOf(events, 'token'));
      expect(chat.told('reasoning')).toBe(textOf(events, 'reasoning'));
      expect(chat.told('reasoning')).not.toBe('');
      const said = texts.flatMap((content, turn) => [{ role: 'user', content }, replies[turn]]);
      await eventually(async () => expect(await messagesOf(conversation)).toMatchObject(said));
    });

    it.each([
      ['from its start', () => ({})],
      ['where it was', (after: string) => ({ 'last-event-id': after })],
    ])('go on after the connection was lost, %s, at another gateway', async (_, more) => {
      const { seen, fetch } = brittleFetch(10);
      const chat: UiChat = new UiChat({
        api: apiOf(await newConversation()),
        headers,
        fetch,
        prepareReconnectToStreamRequest: () => ({
          api: `${gateways[1]}/v1/runs/${chat.lastMessage?.id}/events?format=ai-sdk`,
          headers: { ...headers, ...more(seen.lastId) },
        }),
      });
      await chat.sendMessage({ text: 'Hello [[reason=4 tokens=60 delay=15]]' });
      expect(chat.error?.message).toBe('network error');
      const partial = chat.told('text');
      await chat.resumeStream();

      const events = await eventsOf(chat.lastMessage?.id ?? '');
      expect(chat.status).toBe('ready');
      expect(chat.messages).toHaveLength(2);
      expect(chat.told('text')).toBe(textOf(events, 'token'));
      expect(chat.told('reasoning')).toBe(textOf(events, 'reasoning'));
      expect(partial.length).toBeLessThan(chat.told('text').length);
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
      expect(said('assistant')).toEqual([textOf(events, 'token')]);
      expect(said('reasoning')).toEqual([textOf(events, 'reasoning')]);
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

  describe('where a tool call waits for a person', () => {
    const question = 'Six times seven? [[tool=calculator:{"expression":"6*7"}]]';
    let careful: string;

    beforeAll(async () => {
      const { client } = tenant;
      const tool = { name: 'calculator', kind: 'builtin', config: { builtin: 'calculator' }, requires_approval: true };
      await client.post('/v1/tools', tool);
      careful = await newAgent(tenant, sandboxUrl);
      await client.patch(`/v1/agents/${careful}`, { tools: ['calculator'] });
    });

    const callsOf = async (runId: string) =>
      (await tenant.client.get(`/v1/runs/${runId}`)).body['steps'][0].tool_calls as Json[];

    it.each([true, false])(
      "the AI SDK's chat sends what its user decides, and reads on in the same message (%s)",
      async (approved) => {
        const api = `${gateways[0]}/v1/conversations/${await newConversation(careful)}/messages?format=ai-sdk`;
        const chat = new UiChat(
          { api, headers },
          { sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses },
        );
        await chat.sendMessage({ text: question });
        expect([chat.status, chat.messages.length]).toEqual(['ready', 2]);
        const runId = chat.lastMessage?.id ?? '';
        const part = () => chat.lastMessage?.parts.find(isToolUIPart);
        expect(part()).toMatchObject({ state: 'approval-requested', input: { expression: '6*7' } });

        await chat.addToolApprovalResponse({ id: part()?.approval?.id ?? '', approved });
        await eventually(async () =>
          expect([chat.status, chat.told('text')]).toEqual(['ready', expect.stringMatching(/./)]),
        );
        expect(chat.error).toBeUndefined();
        expect(chat.messages).toHaveLength(2);
        expect(part()).toMatchObject(
          approved ? { state: 'output-available', output: { value: 42 } } : { state: 'output-denied' },
        );
        const events = await eventsOf(runId);
        expect(chat.told('text')).toBe(textOf(events, 'token'));
        expect(await callsOf(runId)).toMatchObject([
          { status: approved ? 'completed' : 'rejected', decided_by: tenant.user_id },
        ]);
      },
    );

    it.each([true, false])('an agent of AG-UI is interrupted, and resumed with the decision (%s)', async (approved) => {
      const conversation = await newConversation(careful);
      const client = new HttpAgent({
        url: `${gateways[0]}/v1/conversations/${conversation}/messages?format=ag-ui`,
        headers,
      });
      client.addMessage({ id: 'question', role: 'user', content: question });
      let runId = '';
      await client.runAgent({}, { onRunStartedEvent: ({ event }) => void (runId = event.runId) });
      const [{ id = '', ...interrupt } = {}] = client.pendingInterrupts;
      expect(interrupt).toMatchObject({ reason: 'tool_call', responseSchema: { required: ['approved'] } });
      client.url = client.url.replace(gateways[0] ?? '', gateways[1] ?? '');
      const answers = { [id]: { status: 'resolved' as const, payload: { approved } } };
      const { newMessages } = await client.runAgent({ resume: buildResumeArray(client.pendingInterrupts, answers) });
      expect(newMessages.map(({ role }) => role)).toEqual(['tool', 'assistant']);
      expect(newMessages.at(-1)?.content).toBe(textOf(await eventsOf(runId), 'token'));
      expect(await callsOf(runId)).toMatchObject([
        { status: approved ? 'completed' : 'rejected', decided_by: tenant.user_id },
      ]);
    });

    it('nobody decides who may not', async () => {
      const conversation = await newConversation(careful);
      const path = `/v1/conversations/${conversation}/messages`;
      const asked = await tenant.client.post(path, { content: question });
      const { run_id } = asked.body;
      const [{ tool_call_id }] = (await callsOf(run_id)) as [Json];
      const resume = [{ interruptId: `${run_id}:${tool_call_id}`, status: 'resolved', payload: { approved: true } }];
      const body = { threadId: 't', runId: 'r', messages: [], resume };
      const at = async (place: string, by = tenant.client) => (await by.post(`${place}?format=ag-ui`, body)).status;
      const { key } = (
        await tenant.client.post('/v1/api-keys', { name: 'talks', scopes: ['conversations:update', 'runs:read'] })
      ).body;
      const stranger = (await newTenant(anonymous)).client;
      expect(await at(path, anonymous.withToken(key))).toBe(403);
      expect(await at(path, await colleague(tenant, 'member'))).toBe(404);
      expect(await at(path, stranger)).toBe(404);
      expect(await at(`/v1/conversations/${await newConversation(careful)}/messages`)).toBe(404);
      expect(await callsOf(run_id)).toMatchObject([{ status: 'waiting_approval' }]);
      await tenant.client.post(`/v1/runs/${run_id}/cancel`);
    });
  });

  it('change between each other in mid-stream, and lose nothing', async () => {
    const { body } = await tenant.client.post(`/v1/agents/${agent}/runs`, { input: 'Hello [[tokens=20 delay=1]]' });
    const events = await eventsOf(body['id']);
    const middle = events[Math.floor(events.length / 2)]?.id ?? 0;
    const path = `/v1/runs/${body['id']}/events`;
    const before = textOf(events.slice(0, middle), 'token');

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
