import { HttpAgent } from '@ag-ui/client';
import { decodeJwt } from 'jose';
import { ChatClient, ConversationSource, messagesOf, runEventsOf } from './support/chat-client';
import type { Client, Json } from './support/client';
import { asSuperuser } from './support/database';
import { eventually } from './support/eventually';
import { sizeOf, treeOf, type Branch, type TreeMessage } from './support/message-tree';
import { sharedFleet } from './support/shared-fleet';
import { colleague, newAgent, newTenant } from './support/tenant';
import { UiChat } from './support/ui-chat';

const { adminDatabaseUrl, anonymous, gateways, sandboxUrl } = sharedFleet();

/** From the commit of a change to its effect everywhere. */
const SECONDS = 5;

const brief = '[[tokens=6 delay=5]]';

/** Who reads along: everything it was told, and the history that it read before it began, if any. */
interface Follower {
  events: ChatClient['events'];
  history: TreeMessage[];
  close(): void;
}

describe('two people and an agent in one conversation, with three devices each at two gateways', () => {
  let [ada, ben] = [anonymous, anonymous];
  let conversation: string;
  const followers: Follower[] = [];
  let [adaChat, benChat]: (ChatClient | undefined)[] = [];
  let adaUi: UiChat;
  let benAgent: HttpAgent;

  const at = (path = '') => `/v1/conversations/${conversation}${path}`;
  const readHistory = async (client: Client): Promise<Json[]> =>
    (await client.get(at('/messages?limit=100'))).body['data'];
  const treeNow = async (): Promise<Branch[]> => {
    const sql = 'select id, parent_message_id, role, content from messages where conversation_id = $1';
    return treeOf(await asSuperuser<TreeMessage>(adminDatabaseUrl, sql, [conversation]));
  };
  const treesNow = () => followers.map(({ history, events }) => treeOf([...history, ...messagesOf(events)]));

  beforeAll(async () => {
    const tenant = await newTenant(anonymous);
    const agent_id = await newAgent(tenant, sandboxUrl);
    ada = await colleague(tenant, 'member');
    ben = await colleague(tenant, 'member');
    conversation = (await ada.post('/v1/conversations', { agent_id })).body['id'];
    await ada.post(at('/participants'), { user_id: decodeJwt(ben.token ?? '').sub, role: 'writer' });
    adaChat = await follow(ada, 0);
    benChat = await follow(ben, 1);
    followers.push(source(ada, 1));
    const headersOf = ({ token }: Client) => ({ authorization: `Bearer ${token}` });
    adaUi = new UiChat({ api: `${gateways[0]}${at('/messages?format=ai-sdk')}`, headers: headersOf(ada) });
    benAgent = new HttpAgent({ url: `${gateways[1]}${at('/messages?format=ag-ui')}`, headers: headersOf(ben) });
  });
  afterAll(() => followers.forEach((follower) => follower.close()));

  async function follow(client: Client, gateway: 0 | 1): Promise<ChatClient> {
    const chat = await ChatClient.connect(client.at(gateways[gateway]));
    followers.push({ events: chat.events, history: [], close: () => chat.close() });
    const joined = await chat.ask('conversation:join', { conversation_id: conversation, last_event_id: conversation });
    expect(joined).toMatchObject({ ok: true });
    return chat;
  }

  function source(client: Client, gateway: 0 | 1, after = conversation, history: Json[] = []): Follower {
    const reader = new ConversationSource(client.at(gateways[gateway]), at(`/events?last_event_id=${after}`));
    return { events: reader.events, history, close: () => reader.close() };
  }

  /** Everybody has what the database has. */
  const agreed = (size: number) =>
    eventually(async () => {
      const tree = await treeNow();
      expect(sizeOf(tree)).toBe(size);
      expect(treesNow()).toEqual(followers.map(() => tree));
      return tree;
    });

  it('have the same tree everywhere, with both branches of an edit, and all answers of a regeneration', async () => {
    const sent = await adaChat?.ask('message:send', { conversation_id: conversation, content: `one ${brief}` });
    expect(sent).toMatchObject({ ok: true });
    await agreed(2);

    // Ben edits what Ada said, and has it answered once more.
    const edited = await ben.post(at('/messages'), { content: `one, put better ${brief}`, parent_message_id: null });
    expect(edited.status).toBe(201);
    const again = await ben.at(gateways[1]).post(`/v1/messages/${sent.message_id}/regenerate`, {});
    expect(again).toMatchObject({ status: 201, body: { reply: { parent_message_id: sent.message_id } } });
    const tree = await agreed(5);
    const first = tree.find(({ id }) => id === sent.message_id);
    expect(first?.then.map(({ said }) => said.split(':')[0])).toEqual(['assistant', 'assistant']);
    expect(first?.then.map(({ id }) => id)).toContain(again.body['reply'].id);
    for (const { events } of followers)
      expect(runEventsOf(events, again.body['run_id']).at(-1)).toMatchObject({ type: 'run.completed' });

    // Ben's third device comes late, with a history.
    const history = await readHistory(ben);
    followers.push(source(ben, 0, history.at(-1).id, history));
    // Both write at once, by whatever they have in hand.
    benAgent.addMessage({ id: 'question', role: 'user', content: `and three ${brief}` });
    await Promise.all([
      adaUi.sendMessage({ text: `and two ${brief}` }),
      benAgent.runAgent(),
      benChat?.ask('message:send', { conversation_id: conversation, content: `and four ${brief}` }),
      ada.post(at('/messages'), { content: `one more beginning ${brief}`, parent_message_id: null }),
    ]);
    await agreed(13);
    expect(followers).toHaveLength(4);
    await uisAgree();
  });

  /** UIs that read a history when they open have the same tree, and in it what they were told while they wrote. */
  async function uisAgree(): Promise<void> {
    const tree = await treeNow();
    expect(treeOf(await readHistory(ada.at(gateways[0])))).toEqual(tree);
    const history = await readHistory(ben.at(gateways[1]));
    expect(treeOf(history)).toEqual(tree);
    const told = [adaUi.told('text'), benAgent.messages.at(-1)?.content];
    const questions = ['and two', 'and three'].map((text) =>
      history.find(({ role, content }) => role === 'user' && content.startsWith(text)),
    );
    const answers = questions.map(({ id }) => history.filter((one) => one.parent_message_id === id));
    // Whoever spoke at the same time may have gone on from the question, too.
    const said = answers.map((some) => some.find(({ role }) => role === 'assistant').content);
    expect(said).toEqual(told);
  }

  it('have a link that shows the same to others, until it is revoked, within 5 seconds at both gateways', async () => {
    const link = (await ada.post(at('/shares'), {})).body;
    const read = (gateway: string) => anonymous.at(gateway).get(`/v1/shared/${link.token}?limit=100`);
    const tree = await treeNow();
    for (const gateway of gateways) expect(treeOf((await read(gateway)).body['data'])).toEqual(tree);
    expect((await ada.delete(`/v1/shares/${link.id}`)).status).toBe(204);
    const since = performance.now();
    for (const gateway of gateways) {
      await eventually(async () => expect(await read(gateway)).toMatchObject({ status: 404 }), SECONDS);
    }
    expect(performance.now() - since).toBeLessThan(SECONDS * 1000);
  });
});
