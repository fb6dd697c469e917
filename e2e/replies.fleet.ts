import { readEvents } from './support/events';
import { Client } from './support/client';
import { eventually } from './support/eventually';
import { newAgent, newTenant } from './support/tenant';
import { startTestFleet, type TestFleet } from '../scripts/test/test-fleet';

describe('the reply to a message', () => {
  let own: TestFleet;
  let client: Client;
  let agent: string;

  beforeAll(async () => {
    own = await startTestFleet('own');
    const tenant = await newTenant(new Client(own.fleet.gatewayUrls[0] as string));
    ({ client } = tenant);
    agent = await newAgent(tenant, own.sandboxUrl);
  });

  afterAll(() => own?.stop());

  /** Sends a message, and resolves once its run is at work: to the path of the conversation's messages, and the response. */
  async function send(content: string) {
    const { body } = await client.post('/v1/conversations', { agent_id: agent });
    const path = `/v1/conversations/${body['id']}/messages`;
    const response = await client.fetch('POST', path, { body: { content, stream: true } });
    return { path, events: readEvents(response) };
  }

  const expectReply = (path: string) =>
    eventually(async () => {
      const { data } = (await client.get(path)).body;
      expect(data).toMatchObject([{ role: 'user' }, { role: 'assistant' }]);
    });

  it('is written by the event of the end when the replica that started the run was killed', async () => {
    const [victim] = own.fleet.processes.chat;
    const { path, events } = await send('Go on [[tokens=100 delay=20]]');
    await events.next();
    victim?.kill('SIGKILL');
    await victim?.exited;
    await own.fleet.addReplica('chat');
    expect((await Array.fromAsync(events)).at(-1)?.type).toBe('run.completed');
    await expectReply(path);
  });

  it('is written by the replica that started the run when no event is relayed', async () => {
    await Promise.all(own.fleet.processes.webhook.map((replica) => replica.stop()));
    const { path, events } = await send('Hello');
    expect((await Array.fromAsync(events)).at(-1)?.type).toBe('run.completed');
    await expectReply(path);
  });
});
