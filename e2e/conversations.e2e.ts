import { allEvents, readEvents } from './support/events';
import { eventually } from './support/eventually';
import { sandboxCall } from './support/sandbox';
import { sharedFleet } from './support/shared-fleet';
import { newAgent, newTenant } from './support/tenant';

const { anonymous, gateways, sandboxUrl } = sharedFleet();

describe('conversations', () => {
  it('answer with the last 20 messages as context, streamed and not', async () => {
    const tenant = await newTenant(anonymous);
    const { client } = tenant;
    const agent = await newAgent(tenant, sandboxUrl);
    const conversation = (await client.post('/v1/conversations', { agent_id: agent, title: 'Test' })).body[
      'id'
    ] as string;

    for (let turn = 1; turn <= 11; turn++) {
      const answer = await client.post(`/v1/conversations/${conversation}/messages`, {
        content: `turn ${turn} of ${agent}`,
      });
      expect(answer).toMatchObject({ status: 201, body: { message: { role: 'user' }, reply: { role: 'assistant' } } });
    }
    const response = await client.fetch('POST', `/v1/conversations/${conversation}/messages`, {
      body: { content: `the last turn of ${agent}`, stream: true },
    });
    const events = await allEvents(response);
    expect(events[0]).toMatchObject({ type: 'run.started', data: { conversation_id: conversation } });
    expect(events.at(-1)?.type).toBe('run.completed');

    const { messages } = await sandboxCall(sandboxUrl, `the last turn of ${agent}`);
    expect(messages[0]).toEqual({ role: 'system', content: 'You repeat what you are told.' });
    expect(messages).toHaveLength(21);
    expect(messages[1]?.role).toBe('assistant');
    expect(messages[2]?.content).toBe(`turn 3 of ${agent}`);

    // The reply is in the conversation once, although both chat and the event relay may have brought it there.
    const list = await client.get(`/v1/conversations/${conversation}/messages?limit=100`);
    const roles = list.body['data'].map(({ role }: { role: string }) => role);
    expect(roles.slice(0, 23)).toEqual(
      Array.from({ length: 23 }, (_, index) => (index % 2 === 0 ? 'user' : 'assistant')),
    );
    expect(roles.length).toBeLessThanOrEqual(24);
  });

  it('keep the reply of a run whose reader went away', async () => {
    const tenant = await newTenant(anonymous);
    const agent = await newAgent(tenant, sandboxUrl);
    const { body } = await tenant.client.post('/v1/conversations', { agent_id: agent });
    const reader = new AbortController();
    const response = await tenant.client.fetch('POST', `/v1/conversations/${body['id']}/messages`, {
      body: { content: 'Please go on without me', stream: true },
      signal: reader.signal,
    });
    expect(response.status).toBe(200);
    reader.abort();
    await eventually(async () => {
      const list = await tenant.client.get(`/v1/conversations/${body['id']}/messages`);
      expect(list.body['data']).toMatchObject([{ role: 'user' }, { role: 'assistant' }]);
    });
  });

  it('keep what a run had said when it was cancelled', async () => {
    const tenant = await newTenant(anonymous);
    const agent = await newAgent(tenant, sandboxUrl);
    const { body } = await tenant.client.post('/v1/conversations', { agent_id: agent });
    const path = `/v1/conversations/${body['id']}/messages`;
    const response = await tenant.client.fetch('POST', path, {
      body: { content: 'Never mind [[tokens=2000 delay=20]]', stream: true },
    });
    let isCancelled = false;
    for await (const { type } of readEvents(response)) {
      if (type !== 'token' || isCancelled) continue;
      isCancelled = true;
      const { data } = (await tenant.client.get(path)).body;
      expect((await tenant.client.post(`/v1/runs/${data[0].run_id}/cancel`)).body['status']).toBe('cancelled');
    }
    await eventually(async () => {
      const { data } = (await tenant.client.get(path)).body;
      expect(data).toMatchObject([{ role: 'user' }, { role: 'assistant', content: expect.stringMatching(/./) }]);
    });
  });

  it('tell the agent by a summary what was said 30 messages ago, as a call in the ledger', async () => {
    const tenant = await newTenant(anonymous);
    const { client } = tenant;
    const agent = await newAgent(tenant, sandboxUrl);
    const settings = { context_messages: 4, summarize: true };
    expect((await client.patch(`/v1/agents/${agent}`, settings)).body).toMatchObject(settings);
    const { body } = await client.post('/v1/conversations', { agent_id: agent });
    const say = (content: string) => client.post(`/v1/conversations/${body['id']}/messages`, { content });
    const fact = `The key of ${agent} lies under the third flowerpot.`;
    const turn = (n: number) => `turn ${n} of ${agent} [[delay=0]]`;
    await say(fact);
    for (let n = 2; n <= 13; n += 1) await say(turn(n));
    const summaries = async () =>
      (await client.get('/v1/usage/records?limit=100')).body['data'].filter(
        ({ kind }: { kind: string }) => kind === 'summary',
      );
    await eventually(async () => {
      const origin = { agent_id: agent, run_id: null, user_id: tenant.user_id };
      expect(await summaries()).toMatchObject([{ ...origin, status: 'closed', error_code: null }]);
    });
    for (let n = 14; n <= 16; n += 1) await say(turn(n));

    const { messages } = await sandboxCall(sandboxUrl, `turn 16 of ${agent}`);
    expect(messages[1]).toEqual({ role: 'user', content: expect.stringContaining(fact) });
    // The summary tells of the first ten turns; of the others all that was said is shown.
    expect(messages[2]?.content).toBe(turn(11));
    expect(messages).toHaveLength(2 + 11);
    expect(await summaries()).toHaveLength(1);
  });

  it('answer what is asked meanwhile one after another, where the agent lets turns wait', async () => {
    const tenant = await newTenant(anonymous);
    const { client } = tenant;
    const agent = await newAgent(tenant, sandboxUrl);
    await client.patch(`/v1/agents/${agent}`, { concurrent_turns: 'enqueue' });
    const { body } = await client.post('/v1/conversations', { agent_id: agent });
    const path = `/v1/conversations/${body['id']}/messages`;
    const send = (content: string, stream: boolean, at = gateways[0]) =>
      client.at(at).fetch('POST', path, { body: { content: `${content} of ${agent}`, stream } });
    const questions = async () => {
      const { data } = (await client.get(path)).body;
      return data.filter(({ role }: { role: string }) => role === 'user');
    };

    const first = readEvents(await send('one [[tokens=60 delay=20]]', true));
    await first.next();
    const second = send('two', true, gateways[1]);
    await eventually(async () => expect(await questions()).toHaveLength(2));
    const unwanted = send('unwanted', false);
    await eventually(async () => expect(await questions()).toHaveLength(3));
    const { run_id } = (await questions()).at(-1);
    const run = `/v1/runs/${run_id}`;
    await eventually(async () =>
      expect((await client.get(run)).body).toMatchObject({ status: 'queued', output: null }),
    );
    const third = send('three', false, gateways[1]);
    await eventually(async () => expect(await questions()).toHaveLength(4));
    expect((await client.post(`${run}/cancel`)).body).toMatchObject({ status: 'cancelled' });
    expect(await (await unwanted).json()).toMatchObject({ run_id, reply: null });

    const [one, two] = [await Array.fromAsync(first), await allEvents(await second)];
    expect([one.at(-1)?.type, two.map(({ type }) => type).slice(0, 2)]).toEqual([
      'run.completed',
      ['run.started', 'token'],
    ]);
    const { reply } = (await (await third).json()) as { reply: { content: string } };
    const { messages } = await sandboxCall(sandboxUrl, `three of ${agent}`);
    expect(messages.slice(1).map(({ role, content }) => ({ role, content }))).toEqual([
      { role: 'user', content: `one [[tokens=60 delay=20]] of ${agent}` },
      { role: 'assistant', content: one.at(-1)?.data['output'] },
      { role: 'user', content: `two of ${agent}` },
      { role: 'assistant', content: two.at(-1)?.data['output'] },
      { role: 'user', content: `unwanted of ${agent}` },
      { role: 'user', content: `three of ${agent}` },
    ]);
    const last = await client.post(path, { content: 'four' });
    const answers = (await client.get(path)).body['data'].filter(({ role }: { role: string }) => role === 'assistant');
    expect(last.body['message']['parent_message_id']).toBe(
      answers.find(({ content }: { content: string }) => content === reply.content).id,
    );
  });
});
