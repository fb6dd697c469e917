import { HttpAgent } from '@ag-ui/client';
import { accountOfAgUi, accountOfEvents, accountOfUi } from './support/account';
import { ChatClient, ConversationSource, messagesOf, runEventsOf } from './support/chat-client';
import type { Client } from './support/client';
import { allEvents } from './support/events';
import { eventually } from './support/eventually';
import { sharedFleet } from './support/shared-fleet';
import { newAgent, newTenant } from './support/tenant';
import { brittleFetch, UiChat } from './support/ui-chat';

const { anonymous, gateways, sandboxUrl } = sharedFleet();

describe('clients of one run, each on a wire of its own, over two gateways', () => {
  let first: Client;
  let second: Client;
  let conversation: string;
  let open: { close(): void }[] = [];

  beforeAll(async () => {
    const tenant = await newTenant(anonymous);
    first = tenant.client;
    second = first.at(gateways[1]);
    // A vendor that shows what its models think.
    const agent = await newAgent(tenant, sandboxUrl, 'sandbox-1', 'anthropic');
    for (const builtin of ['calculator', 'current_time']) {
      const tool = await first.post('/v1/tools', { name: builtin, kind: 'builtin', config: { builtin } });
      expect(tool.status).toBe(201);
    }
    const tools = ['calculator', 'current_time'];
    expect((await first.patch(`/v1/agents/${agent}`, { tools })).body).toMatchObject({ tools });
    conversation = (await first.post('/v1/conversations', { agent_id: agent })).body['id'];
  });
  afterEach(() => {
    open.forEach((one) => one.close());
    open = [];
  });

  const at = (path: string) => `/v1/conversations/${conversation}${path}`;
  const headersOf = ({ token }: Client) => ({ authorization: `Bearer ${token}` });
  const logOf = async (run: string) => allEvents(await first.fetch('GET', `/v1/runs/${run}/events`));
  const newest = async () => (await first.get(at('/messages?limit=100'))).body['data'].at(-1)?.id ?? conversation;

  function source(client: Client, last_event_id: string): ConversationSource {
    const reader = new ConversationSource(client, at(`/events?last_event_id=${last_event_id}`));
    open.push(reader);
    return reader;
  }

  async function joined(client: Client, last_event_id: string): Promise<ChatClient> {
    const chat = await ChatClient.connect(client);
    open.push(chat);
    const join = { conversation_id: conversation, last_event_id };
    expect(await chat.ask('conversation:join', join)).toMatchObject({ ok: true });
    return chat;
  }

  /** A UI of the AI SDK that sends at one gateway, and resumes the run behind an event at another. */
  const uiAt = (client: Client, run: () => string, after: string, fetch = globalThis.fetch) =>
    new UiChat({
      ...{ api: `${client.baseUrl}${at('/messages?format=ai-sdk')}`, headers: headersOf(client), fetch },
      prepareReconnectToStreamRequest: () => ({
        api: `${client.baseUrl}/v1/runs/${run()}/events?format=ai-sdk`,
        headers: { ...headersOf(client), 'last-event-id': after },
      }),
    });

  /** An AG-UI client that watches a run, which it did not start. */
  const agUiAt = (client: Client, run: string, after: string, fetch = globalThis.fetch) =>
    new HttpAgent({
      url: `${client.baseUrl}/v1/runs/${run}/events?format=ag-ui`,
      fetch: (url, { signal }) =>
        fetch(url, { headers: { ...headersOf(client), 'last-event-id': after }, ...(signal && { signal }) }),
    });

  const runOf = (chat: ChatClient | ConversationSource): string =>
    chat.events.find(({ type }) => type === 'run.event')?.data.run_id ?? '';

  /** Waits until the client has so many events of the run, or one of the type. */
  const until = (chat: ChatClient | ConversationSource, run: () => string, isEnough: (types: string[]) => boolean) =>
    eventually(async () => {
      const types = runEventsOf(chat.events, run()).map(({ type }) => type);
      if (!isEnough(types)) throw new Error(`The client has only ${types.join(', ')}.`);
    });

  it('are told the same: SSE, Socket.IO, one that joins late, the AI SDK and AG-UI', async () => {
    const start = await newest();
    const socket = await joined(first, start);
    const sse = source(second, start);
    const [uiFrames, agUiFrames] = [brittleFetch(Infinity), brittleFetch(Infinity)];
    const ui = uiAt(first, () => '', '', uiFrames.fetch);
    const script = 'tool=current_time:{} tool=calculator:{"expression":"6*7"}';
    const sending = ui.sendMessage({ text: `Go [[delay=25 reason=4 ${script}]]` });
    await until(
      socket,
      () => runOf(socket),
      (types) => types.includes('run.started'),
    );
    const run = runOf(socket);
    const agUi = agUiAt(second, run, '0', agUiFrames.fetch);
    const watching = agUi.runAgent();
    await until(
      socket,
      () => run,
      (types) => types.includes('token'),
    );
    const late = await joined(second, start);
    const [{ result }] = await Promise.all([watching, sending]);
    for (const reader of [socket, sse, late])
      await eventually(async () => expect(messagesOf(reader.events)).toHaveLength(2));

    const log = await logOf(run);
    const told = log.map((event) => ({ run_id: run, ...event }));
    for (const reader of [socket, sse, late]) expect(runEventsOf(reader.events, run)).toEqual(told);
    for (const reader of [sse, late]) expect(messagesOf(reader.events)).toEqual(messagesOf(socket.events));

    const account = accountOfEvents(log);
    expect(account.calls.map(({ name }) => name)).toEqual(['current_time', 'calculator']);
    expect(account.reasoning).not.toBe('');
    expect(ui.lastMessage).toMatchObject({ id: run, role: 'assistant' });
    expect(accountOfUi(ui.messages.at(-1)!)).toEqual(account);
    expect(accountOfAgUi(agUi.messages)).toEqual(account);
    const usage = log.findLast(({ type }) => type === 'usage')?.data;
    expect(log.at(-1)).toMatchObject({ type: 'run.completed', data: { output: account.text } });
    expect([ui.status, ui.lastMessage?.metadata]).toEqual(['ready', expect.objectContaining({ usage })]);
    expect(result).toEqual(log.at(-1)?.data);
    expect([uiFrames.seen.lastId, agUiFrames.seen.lastId]).toEqual([String(log.length), String(log.length)]);
  });

  it('lose nothing when they change from SSE to Socket.IO, the AI SDK and AG-UI in mid-stream', async () => {
    const sse = source(first, await newest());
    const content = 'Go [[delay=20 reason=4 tokens=200 tool=current_time:{}]]';
    const sending = first.post(at('/messages'), { content, parent_message_id: null });
    const run = () => runOf(sse);
    await until(sse, run, ({ length }) => length > 6);
    sse.close();
    const known = runEventsOf(sse.events, run());

    // Told from its start, as a run is that goes on: the client drops what it has.
    const socket = await joined(second, messagesOf(sse.events).at(-1).id);
    await until(socket, run, ({ length }) => length > known.length + 30);
    socket.close();
    known.push(...runEventsOf(socket.events, run()).filter(({ id }) => id > known.at(-1).id));

    const { seen, fetch } = brittleFetch(30);
    const ui = uiAt(first, run, String(known.at(-1).id), fetch);
    await ui.resumeStream();
    expect(ui.error?.message).toBe('network error');

    const agUi = agUiAt(second, run(), seen.lastId);
    const { result } = await agUi.runAgent();
    await sending;

    const log = await logOf(run());
    const whole = accountOfEvents(log);
    expect(known).toEqual(log.slice(0, known.length).map((event) => ({ run_id: run(), ...event })));
    const parts = [accountOfEvents(known), accountOfUi(ui.messages.at(-1)!), accountOfAgUi(agUi.messages)];
    const [text, reasoning] = (['text', 'reasoning'] as const).map((kind) => parts.map((part) => part[kind]));
    expect(text?.map(({ length }) => length > 0)).toEqual([true, true, true]);
    expect([text?.join(''), reasoning?.join('')]).toEqual([whole.text, whole.reasoning]);
    expect(whole.calls).toHaveLength(1);
    expect(parts[0]?.calls).toEqual(whole.calls);
    expect(result).toEqual(log.at(-1)?.data);
  });
});
