import type { CreateTool } from '@taai/contracts';
import { httpTool } from './tool-fixtures.testing';
import { startStage, type Replica, type Stage, type User } from '../replica.testing';

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

const create = (fields: Partial<CreateTool> = {}) => user.as(() => replica.tools.create({ ...httpTool, ...fields }));
const update = (id: string, fields: object) => user.as(() => replica.tools.update({ id, ...fields }));

describe('secret headers', () => {
  const stored = async (id: string) => {
    const sql = 'select secret_ciphertext, secret_key_id, secret_header_names from tools where id = $1';
    return (await stage.admin.query<Record<string, string | null>>(sql, [id])).rows[0];
  };
  const none = { secret_ciphertext: null, secret_key_id: null, secret_header_names: [] };
  const withSecret = () => create({ secret_headers: { Authorization: 'Bearer sk-canary-0123456789' } });

  it('are sealed, never shown, replaced and removed', async () => {
    const tool = await withSecret();
    expect(tool.secret_header_names).toEqual(['Authorization']);
    const before = await stored(tool.id);
    expect(before?.['secret_key_id']).toMatch(/^[0-9a-f]{8}$/);
    const { data } = await user.as(() => replica.tools.list({ limit: 20 }));
    expect(JSON.stringify([tool, data, before])).not.toContain('canary');
    const replaced = await update(tool.id, { secret_headers: { 'x-key': 'another' } });
    expect(replaced.secret_header_names).toEqual(['x-key']);
    expect((await stored(tool.id))?.['secret_ciphertext']).not.toBe(before?.['secret_ciphertext']);
    expect(await update(tool.id, { secret_headers: null })).toMatchObject({ secret_header_names: [] });
    expect(await stored(tool.id)).toEqual(none);
  });

  it.each([
    ['https://other.example.com/{{id}}'],
    ['https://api.example.com.evil.test/{{id}}'],
    ['http://api.example.com/{{id}}'],
    ['https://api.example.com:8443/{{id}}'],
  ])('are dropped when the tool moves to %s', async (url) => {
    const { id } = await withSecret();
    const config = { method: 'GET', url };
    expect(await update(id, { config })).toMatchObject({ config, secret_header_names: [] });
    expect(await stored(id)).toEqual(none);
  });

  it('stay while the tool stays at its origin, and may move along when they are given anew', async () => {
    const { id } = await withSecret();
    for (const change of [{ config: { method: 'POST', url: 'https://API.example.com:443/v2' } }, { is_active: false }])
      expect(await update(id, change)).toMatchObject({ secret_header_names: ['Authorization'] });
    const config = { method: 'GET', url: 'https://other.example.com' };
    const moved = await update(id, { config, secret_headers: { 'x-key': 'for the other one' } });
    expect(moved.secret_header_names).toEqual(['x-key']);
  });
});
