import { join } from 'node:path';
import { execute } from '../lib/execute.ts';
import { dataFolder, root } from '../lib/paths.ts';
import { sandboxBaseUrl } from '../sandbox/base-url.ts';
import { readAdminFile } from './admin-file.ts';
import { Api, ApiError, read, readText } from './api.ts';

/** How long the operator's command may take. */
const ADMIN_MS = 30_000;

export const demoLogin = { email: 'demo@example.com', password: 'demo-password' };

/** Which AI provider answers for the demo agent. */
export interface DemoProvider {
  name: string;
  /** Null: the vendor's own. */
  base_url: string | null;
  api_key: string;
  model: string;
}

/** OpenAI itself when there is a key for it, else the sandbox at `sandboxUrl`. */
export function chooseProvider(openaiKey: string | undefined, sandboxUrl: string): DemoProvider {
  return openaiKey
    ? { name: 'openai', base_url: null, api_key: openaiKey, model: 'gpt-4o-mini' }
    : { name: 'sandbox', base_url: sandboxBaseUrl('openai', sandboxUrl), api_key: 'sk-sandbox', model: 'sandbox-1' };
}

async function logIn(api: Api): Promise<Api> {
  return api.as(readText(await api.call('POST', '/v1/auth/login', demoLogin), 'access_token'));
}

async function logInOrRegister(api: Api): Promise<Api> {
  try {
    return await logIn(api);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) throw error;
  }
  await api.call('POST', '/v1/auth/register', { tenant_name: 'Demo', name: 'Demo', ...demoLogin });
  return logIn(api);
}

/** Finds the object in a list by one of its properties; creates it, or gives it the values of `fields` that differ. */
async function ensure(api: Api, path: string, key: 'name' | 'slug', wanted: object, fields: object): Promise<string> {
  const found = await api.find(path, (item) => read(item, key) === read(wanted, key));
  if (found === undefined) return readText(await api.call('POST', path, { ...wanted, ...fields }), 'id');
  const id = readText(found, 'id');
  const differs = Object.entries(fields).some(([name, value]) => read(found, name) !== value);
  if (differs) await api.call('PATCH', `${path}/${id}`, fields);
  return id;
}

/** The sandbox in the formats of the other vendors: tried after all others, for whoever wants to try them. */
async function ensureOtherFormats(user: Api, sandboxUrl: string): Promise<void> {
  for (const kind of ['anthropic', 'google', 'groq', 'ollama'] as const) {
    const wanted = { name: `sandbox-${kind}`, kind, priority: 1000 };
    const id = await ensure(user, '/v1/providers', 'name', wanted, { base_url: sandboxBaseUrl(kind, sandboxUrl) });
    await user.call('PUT', `/v1/providers/${id}/credentials`, { api_key: 'sk-sandbox' });
  }
}

/** Puts the tenant on the plan `unlimited`, as its operator: whoever tries the product out is not to meet limits. */
async function ensureUnlimited(user: Api): Promise<void> {
  const tenant = read(await user.call('GET', '/v1/auth/me'), 'tenant');
  if (readText(tenant, 'plan_id') === 'unlimited') return;
  const args = [join(root, 'dist/auth/admin.js'), 'tenant', 'plan', readText(tenant, 'id'), 'unlimited'];
  const env = { ...process.env, ...(await readAdminFile()) };
  await execute({ command: process.execPath, args, env, logFile: join(dataFolder, 'logs', 'admin.log') }, ADMIN_MS);
}

/**
 * Makes sure that the demo tenant, its providers and its agent `demo` are there, through the public API.
 * @returns the API as the demo user, and the agent's id.
 */
export async function seedDemo(
  api: Api,
  provider: DemoProvider,
  sandboxUrl: string,
): Promise<{ user: Api; agentId: string }> {
  const user = await logInOrRegister(api);
  await ensureUnlimited(user);
  const { name, base_url, api_key, model } = provider;
  const providerId = await ensure(user, '/v1/providers', 'name', { name, kind: 'openai' }, { base_url });
  await user.call('PUT', `/v1/providers/${providerId}/credentials`, { api_key });
  await ensureOtherFormats(user, sandboxUrl);
  const agent = {
    name: 'Demo',
    slug: 'demo',
    system_prompt: 'You are the demo of Task Assistant. Answer in two sentences.',
  };
  const agentId = await ensure(user, '/v1/agents', 'slug', agent, { provider_id: providerId, model });
  return { user, agentId };
}
