import { randomUUID } from 'node:crypto';
import OpenAI from 'openai';
import { readCalls, type Call } from '../../scripts/sandbox/calls';
import type { Json } from './client';
import { eventually } from './eventually';
import { newTenant, type TestTenant } from './tenant';

/** A tenant with the sandbox as the provider `main`, and the official SDK with an API key of its own. */
export interface OpenAiTenant extends TestTenant {
  api_key: string;
  provider_id: string;
  openai: OpenAI;
  /** The same at another gateway. */
  at(gateway: string): OpenAI;
  /** The ledger's rows, oldest first, once there are so many and all are closed. */
  records(count: number): Promise<Json[]>;
}

type Anonymous = Parameters<typeof newTenant>[0];

export async function newOpenAiTenant(anonymous: Anonymous, sandboxUrl: string): Promise<OpenAiTenant> {
  const tenant = await newTenant(anonymous);
  const { client } = tenant;
  const provider_id = await sandboxProvider(tenant, sandboxUrl, 'main');
  const scopes = ['runs:create', 'agents:read'];
  const { body } = await client.post('/v1/api-keys', { name: 'tenant', scopes });
  const api_key = body['key'] as string;
  const at = (gateway: string) => new OpenAI({ baseURL: `${gateway}/v1`, apiKey: api_key, maxRetries: 0 });
  const records = (count: number) =>
    eventually(async () => {
      const { body } = await client.get('/v1/usage/records?limit=100');
      const rows = body['data'] as Json[];
      expect(rows.map(({ status }) => status)).toEqual(Array.from({ length: count }, () => 'closed'));
      return rows.reverse();
    });
  return { ...tenant, api_key, provider_id, openai: at(client.baseUrl), at, records };
}

export async function sandboxProvider(
  { client }: TestTenant,
  sandboxUrl: string,
  name: string,
  api_key = 'sk-sandbox',
): Promise<string> {
  const { body } = await client.post('/v1/providers', { name, kind: 'openai', base_url: `${sandboxUrl}/v1` });
  await client.put(`/v1/providers/${body['id']}/credentials`, { api_key });
  return body['id'] as string;
}

/** A word that no other call has, to find it by. */
export const newMark = () => `mark-${randomUUID()}`;

/** What the provider saw of the one call with the mark, once the check passes. */
export const seenOf = (sandboxUrl: string, mark: string, check: (call: Call) => void): Promise<Call> =>
  eventually(async () => {
    const calls = (await readCalls(sandboxUrl)).filter(({ messages }) => messages.at(-1)?.content.includes(mark));
    expect(calls).toHaveLength(1);
    const [call] = calls as [Call];
    check(call);
    return call;
  });
