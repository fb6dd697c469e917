import type { CreateTool } from '@taai/contracts';
import { runInContext } from '@taai/tenant';
import { v7 } from 'uuid';
import { builtinTool, httpTool, mcpTool } from './tool-fixtures.testing';
import { ToolHandler } from './tool.handler';
import { audited, startStage, type Replica, type Stage, type User } from '../replica.testing';

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

const problem = (code: string, message: unknown = expect.any(String)): unknown =>
  expect.objectContaining({ name: 'ProblemError', code, message });

const create = (fields: Partial<CreateTool> = {}, who = user) =>
  who.as(() => replica.tools.create({ ...httpTool, ...fields }));
const update = (id: string, fields: object, who = user) => who.as(() => replica.tools.update({ id, ...fields }));

describe('tools', () => {
  it('are created with defaults, listed newest first, changed and removed', async () => {
    const { tools } = replica;
    await user.as(async () => {
      const first = await tools.create(httpTool);
      const told = { secret_header_names: [], requires_approval: false, separate_approver: false, is_active: true };
      expect(first).toEqual({
        ...httpTool,
        ...told,
        id: expect.any(String),
        created_at: expect.any(Date),
        updated_at: expect.any(Date),
      });
      const second = await tools.create({ ...mcpTool, requires_approval: true });
      const page = await tools.list({ limit: 1 });
      expect(page).toMatchObject({ data: [second], has_more: true });
      const rest = await tools.list({ limit: 1, cursor: page.next_cursor ?? '' });
      expect(rest).toEqual({ data: [first], has_more: false, next_cursor: null });
      const config = { method: 'HEAD', url: 'https://api.example.com/v2/{{id}}' };
      expect(await tools.update({ id: first.id, name: 'find_user', config, is_active: false })).toMatchObject({
        name: 'find_user',
        config,
        is_active: false,
        input_schema: httpTool.input_schema,
      });
      await tools.remove(first.id);
      await expect(tools.get(first.id)).rejects.toEqual(problem('not_found'));
    });
  });

  it('that are builtin bring their own description and schema', async () => {
    const own = await create({ ...builtinTool, description: undefined, input_schema: undefined });
    expect(own).toMatchObject({
      description: expect.stringContaining('Calculates'),
      input_schema: { required: ['expression'] },
    });
    const described = await update(own.id, { description: 'Adds up.' });
    expect(described).toMatchObject({ description: 'Adds up.', input_schema: { required: ['expression'] } });
  });

  it('have names of their own within a tenant', async () => {
    await create({}, await stage.newUser());
    await create();
    const { id } = await create({ name: 'other' });
    await expect(create()).rejects.toEqual(problem('slug_taken'));
    await expect(update(id, { name: httpTool.name })).rejects.toEqual(problem('slug_taken'));
  });

  it('are created once per Idempotency-Key', async () => {
    const caller = { tenant_id: user.tenant_id, user_id: user.user_id, permissions: [], issuer: 'gateway' as const };
    const createOnce = (name: string) =>
      runInContext({ request_id: 'r', idempotency_key: 'key', caller }, () =>
        new ToolHandler(replica.tools).create({ ...httpTool, name }),
      );
    const created = await createOnce('once');
    expect((await createOnce('once')).id).toBe(created.id);
    await expect(createOnce('twice')).rejects.toEqual(problem('idempotency_mismatch'));
  });

  it('stay, with their names, while an agent has them', async () => {
    const { tools, agents } = replica;
    const { id, name } = await create();
    const agent = await user.as(() => agents.create({ name: 'A', slug: 'a', system_prompt: '', model: 'm' }));
    const give = (names: string[]) =>
      stage.admin.query('update agents set tools = $2 where id = $1', [agent.id, names]);
    await give(['other', name]);
    await user.as(async () => {
      await expect(tools.remove(id)).rejects.toEqual(problem('conflict'));
      await expect(tools.update({ id, name: 'renamed' })).rejects.toEqual(problem('conflict'));
      await tools.update({ id, name, is_active: false });
    });
    await give(['other']);
    await user.as(() => tools.remove(id));
  });

  it("of another tenant are as those that don't exist", async () => {
    const { tools } = replica;
    const other = await stage.newUser();
    const foreign = await create({}, other);
    for (const id of [foreign.id, v7()]) {
      await user.as(async () => {
        await expect(tools.get(id)).rejects.toEqual(problem('not_found'));
        await expect(tools.update({ id, name: 'mine' })).rejects.toEqual(problem('not_found'));
        await expect(tools.remove(id)).rejects.toEqual(problem('not_found'));
        await expect(tools.executions({ id, limit: 20 })).rejects.toEqual(problem('not_found'));
        expect((await tools.list({ limit: 20 })).data).toEqual([]);
      });
    }
    expect(await other.as(() => tools.get(foreign.id))).toEqual(foreign);
  });

  it('tell their executions, newest first', async () => {
    const { tools, agents } = replica;
    const { id } = await create();
    const agent = await user.as(() => agents.create({ name: 'A', slug: 'a', system_prompt: '', model: 'm' }));
    const [run_id, ...executions] = [v7(), v7(), v7()];
    await stage.admin.query(
      `insert into agent_runs (tenant_id, id, agent_id, agent_version, input, state) values ($1, $2, $3, 1, '[]', '{}')`,
      [user.tenant_id, run_id, agent.id],
    );
    for (const [index, execution] of executions.entries()) {
      await stage.admin.query(
        `insert into tool_executions (tenant_id, id, run_id, tool_id, tool_name, tool_call_id, step, arguments, status)
         values ($1, $2, $3, $4, 'get_user', $5, 1, '{"id":7}', 'completed')`,
        [user.tenant_id, execution, run_id, id, `call-${index}`],
      );
    }
    const { data, has_more, next_cursor } = await user.as(() => tools.executions({ id, limit: 1 }));
    expect({ data, has_more }).toMatchObject({
      data: [{ id: executions[1], run_id, tool_id: id, tool_call_id: 'call-1', arguments: { id: 7 }, result: null }],
      has_more: true,
    });
    const rest = await user.as(() => tools.executions({ id, limit: 1, cursor: next_cursor ?? '' }));
    expect(rest).toMatchObject({ data: [{ id: executions[0] }], has_more: false });
  });
});

describe('each change of a tool', () => {
  it('is told to the audit log, with the names of secret headers alone', async () => {
    const secret = 'Bearer sk-canary-0123456789';
    const { id } = await create({ secret_headers: { Authorization: secret } });
    await update(id, { description: 'Finds a user.' });
    await update(id, { secret_headers: { Authorization: `${secret}-new` } });
    await update(id, { secret_headers: null });
    await update(id, { description: 'Finds a user.' });
    await user.as(() => replica.tools.remove(id));
    const entries = await audited(stage, user);
    const by = { actor_type: 'user', actor_id: user.user_id, target_type: 'tool', target_id: id };
    expect(entries).toMatchObject([
      { ...by, action: 'tool.created', after: { name: 'get_user', secret_header_names: ['Authorization'] } },
      {
        ...by,
        action: 'tool.updated',
        before: { description: 'Reads a user.' },
        after: { description: 'Finds a user.' },
      },
      { ...by, action: 'tool.updated', after: { has_new_secrets: true } },
      { ...by, action: 'tool.updated', after: { secret_header_names: [] } },
      { ...by, action: 'tool.deleted', before: { name: 'get_user' }, after: null },
    ]);
    expect(JSON.stringify(entries)).not.toContain('canary');
  });
});
