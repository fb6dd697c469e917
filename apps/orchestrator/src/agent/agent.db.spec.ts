import { v7 } from 'uuid';
import { audited, newAgent, startStage, type Replica, type Stage, type User } from '../replica.testing';

let stage: Stage;
let replica: Replica;
let user: User;

beforeAll(async () => {
  stage = await startStage();
  replica = await stage.replica();
});
beforeEach(async () => {
  user = await stage.newUser();
});
afterAll(() => stage.close());

const problem = (code: string) => expect.objectContaining({ name: 'ProblemError', code });
const fields = { name: 'Echo', slug: 'echo', system_prompt: 'Repeat.', model: 'sandbox-1' };

describe('agents', () => {
  it('are created with defaults, and grow a version with every change', async () => {
    const { agents } = replica;
    await user.as(async () => {
      const agent = await agents.create(fields);
      expect(agent).toMatchObject({ ...fields, description: null, provider_id: null, version: 1, is_active: true });
      const changed = await agents.update({ id: agent.id, temperature: 0.5, description: 'Says it again' });
      expect(changed).toMatchObject({ ...fields, temperature: 0.5, description: 'Says it again', version: 2 });
      expect(await agents.update({ id: agent.id, description: null })).toMatchObject({ description: null, version: 3 });
      expect(await agents.get(agent.id)).toMatchObject({ version: 3 });
    });
  });

  it('tell the audit log of each change, and what it changed', async () => {
    const { agents } = replica;
    const { id } = await user.as(async () => {
      const agent = await agents.create(fields);
      const change = { id: agent.id, model: 'sandbox-2', max_output_tokens: 5 };
      await agents.update(change);
      await agents.update(change);
      await agents.remove(agent.id);
      return agent;
    });
    const entries = await audited(stage, user);
    const by = { actor_type: 'user', actor_id: user.user_id, target_type: 'agent', target_id: id };
    expect(entries).toMatchObject([
      { ...by, action: 'agent.created', before: null, after: fields },
      { ...by, action: 'agent.updated' },
      { ...by, action: 'agent.deleted', before: { ...fields, model: 'sandbox-2' }, after: null },
    ]);
    const at = { updated_at: expect.any(String) };
    expect(entries[1]).toMatchObject({
      before: { model: 'sandbox-1', max_output_tokens: null, version: 1, ...at },
      after: { model: 'sandbox-2', max_output_tokens: 5, version: 2, ...at },
    });
    expect(entries[1]?.['after']).not.toHaveProperty('name');
  });

  it('are listed newest first, page by page', async () => {
    const { agents } = replica;
    await user.as(async () => {
      const slugs = ['a', 'b', 'c'];
      for (const slug of slugs) await agents.create({ ...fields, slug });
      const first = await agents.list({ limit: 2 });
      const second = await agents.list({ limit: 2, cursor: first.next_cursor ?? '' });
      expect([...first.data, ...second.data].map(({ slug }) => slug)).toEqual(['c', 'b', 'a']);
      expect([first.has_more, second.has_more]).toEqual([true, false]);
      await expect(agents.list({ cursor: 'nonsense', limit: 20 })).rejects.toEqual(problem('invalid_cursor'));
    });
  });

  it('have slugs of their own within a tenant', async () => {
    const { agents } = replica;
    const other = await stage.newUser();
    await other.as(() => agents.create(fields));
    await user.as(async () => {
      await agents.create(fields);
      const { id } = await agents.create({ ...fields, slug: 'second' });
      await expect(agents.create(fields)).rejects.toEqual(problem('slug_taken'));
      await expect(agents.update({ id, slug: 'echo' })).rejects.toEqual(problem('slug_taken'));
    });
  });

  it('use only providers of their tenant', async () => {
    const other = await stage.newUser();
    const foreign = await other.as(() => replica.providers.create({ name: 'main', kind: 'openai' }));
    const refused = expect.objectContaining({
      code: 'validation_failed',
      extras: { errors: [expect.objectContaining({ path: 'provider_id' })] },
    });
    await user.as(async () => {
      const agent = await replica.agents.create(fields);
      for (const provider_id of [foreign.id, v7()]) {
        await expect(replica.agents.create({ ...fields, slug: 'x', provider_id })).rejects.toEqual(refused);
        await expect(replica.agents.update({ id: agent.id, provider_id })).rejects.toEqual(refused);
      }
    });
  });

  it('are removed unless they have runs', async () => {
    const agent = await newAgent(user, replica, stage);
    await user.as(async () => {
      const unused = await replica.agents.create({ ...fields, slug: 'unused' });
      await replica.agents.remove(unused.id);
      await expect(replica.agents.get(unused.id)).rejects.toEqual(problem('not_found'));
      const run = await replica.starter.start({ id: agent.id, input: 'Hello' });
      await expect(replica.agents.remove(agent.id)).rejects.toEqual(problem('conflict'));
      await replica.runs.cancel(run.id);
    });
  });

  it("of another tenant are as those that don't exist", async () => {
    const { agents, starter, runs } = replica;
    const other = await stage.newUser();
    const foreign = await other.as(() => agents.create(fields));
    for (const id of [foreign.id, v7()]) {
      await user.as(async () => {
        await expect(agents.get(id)).rejects.toEqual(problem('not_found'));
        await expect(agents.update({ id, name: 'mine' })).rejects.toEqual(problem('not_found'));
        await expect(agents.remove(id)).rejects.toEqual(problem('not_found'));
        await expect(starter.start({ id, input: 'Hello' })).rejects.toEqual(problem('not_found'));
        await expect(runs.list({ id, limit: 20 })).rejects.toEqual(problem('not_found'));
      });
    }
  });
});
