import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from '../scripts/lib/ports.ts';
import type { Scope } from '../scripts/lib/run.ts';
import { call } from './call.ts';

const PASSWORD = 'a long enough secret';

/** Forks this program with `BENCH_MOCK`, for it to serve the mock provider there, and resolves to the provider's origin. */
export async function startMock(scope: Scope): Promise<string> {
  const port = await freePort();
  const mock = fork(fileURLToPath(import.meta.url), { env: { ...process.env, BENCH_MOCK: String(port) } });
  await scope.defer(async () => {
    if (!mock.connected) return;
    mock.disconnect();
    await once(mock, 'exit');
  });
  await once(mock, 'message');
  return `http://127.0.0.1:${port}`;
}

/** A tenant whose provider `mock` is the mock. */
export interface MockTenant {
  id: string;
  /** Of its admin. */
  token: string;
  /** An API key for completions. */
  key: string;
  provider_id: string;
}

export async function newMockTenant(api: string, mock: string, name: string): Promise<MockTenant> {
  const login = { email: `${name}@example.com`, password: PASSWORD };
  const registered = await call(api, '/v1/auth/register', { tenant_name: name, ...login });
  const token = String((await call(api, '/v1/auth/login', login))['access_token']);
  const { id } = registered['tenant'] as { id: string };
  const provider = { name: 'mock', kind: 'openai', base_url: `${mock}/v1`, settings: { unknown_models: 'record' } };
  const provider_id = String((await call(api, '/v1/providers', provider, token))['id']);
  await call(api, `/v1/providers/${provider_id}/credentials`, { api_key: 'sk-mock' }, token, 'PUT');
  const { key } = await call(api, '/v1/api-keys', { name: 'bench', scopes: ['runs:create'] }, token);
  return { id, token, key: String(key), provider_id };
}
