import { randomBytes } from 'node:crypto';
import { Client as Database } from 'pg';
import { said, startMcpServer, type McpTestServer } from '../apps/orchestrator/src/tool/mcp/mcp-server.testing';
import { startReceiver } from '../apps/webhook/src/delivery/receiver.testing';
import { sandboxBaseUrl } from '../scripts/sandbox/base-url';
import { Client, type RequestOptions } from './support/client';
import { logContents, placesOf, redisContents, tableContents, type Contents } from './support/contents';
import { startEcho } from './support/echo';
import { allEvents } from './support/events';
import { eventually } from './support/eventually';
import { mailTo } from './support/mail';
import { watchRedis } from './support/redis-monitor';
import { startTestFleet, type TestFleet } from '../scripts/test/test-fleet';

const canary = (name: string) => `canary-${name}-${randomBytes(16).toString('hex')}`;

const otherKinds = ['anthropic', 'google', 'groq', 'ollama'] as const;

/** What may stand nowhere. Those that are empty yet are told by an answer, which is not kept, or by a mail. */
const secrets = {
  'the API key of a provider': canary('key'),
  'an API key that a provider echoes': canary('echo'),
  'the API key of a provider of kind anthropic': canary('anthropic'),
  'the API key of a provider of kind google': canary('google'),
  'the API key of a provider of kind groq': canary('groq'),
  'the API key of a provider of kind ollama': canary('ollama'),
  'the secret header of an HTTP tool': canary('http'),
  'the secret header of an MCP server': canary('mcp'),
  'the secret header of a tool that is refused': canary('header'),
  'an API key that is refused': canary('long') + 'x'.repeat(5000),
  'an API key in a broken body': canary('broken'),
  'an API key that no replica takes': canary('waiting'),
  'a password': canary('password'),
  'a wrong password': canary('wrong'),
  'the secret of a webhook': '',
  'an API key of ours': '',
  'an access token': '',
  'a refresh token': '',
  'the access token that it was exchanged for': '',
  'the refresh token that it was exchanged for': '',
  'the token of an invitation': '',
  'the token of an invitation that was replaced': '',
  'the token of a password reset': '',
  'the encryption key': '',
};
const names = Object.keys(secrets) as (keyof typeof secrets)[];
/** The mail that brings each is the only one that has it. */
const mailed = names.filter((name) => name.startsWith('the token of'));
/** Sealed, they may stand in their own columns alone. */
let ciphertext: string;
let toolCiphertext: string;

let own: TestFleet;
let database: Database;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let echo: Awaited<ReturnType<typeof startEcho>>;
let mcp: McpTestServer;
let monitor: Awaited<ReturnType<typeof watchRedis>>;
const tenantName = canary('tenant');
let providerId: string;
let webhookId: string;
let runId: string;

/** What was found: in Redis while a request waited, and in the end. */
let waiting: Contents;
let inRedis: Contents;
let inTables: Contents;
let inLogs: Contents;
/** What clients were answered, by request. */
const answers: Contents = new Map();

/** A client whose answers are kept. */
function recorder(client: Client) {
  return async (method: string, path: string, body?: unknown, options?: RequestOptions) => {
    const response = await client.fetch(method, path, { ...options, ...(body !== undefined && { body }) });
    const text = await response.text();
    answers.set(`${answers.size} ${method} ${path} ${response.status}`, text);
    return { status: response.status, text, body: text && JSON.parse(text) };
  };
}

async function signUp() {
  const anonymous = new Client(own.fleet.gatewayUrls[0] as string);
  const ask = recorder(anonymous);
  const email = `${canary('mail')}@example.com`;
  await ask('POST', '/v1/auth/register', { tenant_name: tenantName, email, password: secrets['a password'] });
  const wrong = await ask('POST', '/v1/auth/login', { email, password: secrets['a wrong password'] });
  expect(wrong.status).toBe(401);
  const { body } = await anonymous.post('/v1/auth/login', { email, password: secrets['a password'] });
  secrets['an access token'] = signatureOf(body['access_token']);
  return anonymous.withToken(body['access_token']);
}

/** Whoever holds a token holds this; what precedes it is no secret. */
const signatureOf = (token: string) => token.split('.')[2] ?? '';

/** Exchanges a refresh token, uses what came of it, and logs out. */
async function refresh(client: Client, login: object): Promise<void> {
  const { body } = await client.post('/v1/auth/login', login);
  const { refresh_token } = body as { refresh_token: string };
  const { body: renewed } = await client.post('/v1/auth/refresh', { refresh_token });
  secrets['a refresh token'] = refresh_token;
  secrets['the access token that it was exchanged for'] = signatureOf(renewed['access_token']);
  secrets['the refresh token that it was exchanged for'] = renewed['refresh_token'];
  expect((await recorder(client.withToken(renewed['access_token']))('GET', '/v1/auth/me')).status).toBe(200);
  const used = { refresh_token: renewed['refresh_token'] };
  expect((await recorder(client)('POST', '/v1/auth/logout', used)).status).toBe(204);
  expect((await recorder(client)('POST', '/v1/auth/refresh', used)).status).toBe(401);
}

/** Has links mailed, and uses them. */
async function useLinks(ask: Ask): Promise<{ email: string; password: string }> {
  const [email, password] = [`${canary('invited')}@example.com`, secrets['a password']];
  const token = async () => (await mailTo(own.mailbox.url, email)).token;
  const { body } = await ask('POST', '/v1/users', { email, role: 'member' });
  const replaced = (secrets['the token of an invitation that was replaced'] = await token());
  await ask('POST', `/v1/users/${body.id}/invite`);
  const invitation = (secrets['the token of an invitation'] = await token());
  const accept = '/v1/auth/invites/accept';
  expect((await ask('POST', accept, { token: replaced, password })).status).toBe(400);
  expect((await ask('POST', accept, { token: invitation, password: 'short' })).status).toBe(400);
  expect((await ask('POST', accept, { token: invitation, password })).status).toBe(200);
  await ask('POST', '/v1/auth/password/forgot', { email });
  const reset = (secrets['the token of a password reset'] = await token());
  const path = '/v1/auth/password/reset';
  expect((await ask('POST', path, { token: reset, new_password: 'password' })).status).toBe(400);
  expect((await ask('POST', path, { token: reset, new_password: password })).status).toBe(204);
  expect((await ask('POST', path, { token: reset, new_password: password })).status).toBe(400);
  return { email, password };
}

/** Uses a key in either header, beyond its scopes, in the wrong places, and when it is revoked. */
async function useApiKey(client: Client, ask: Ask): Promise<void> {
  const { body } = await client.post('/v1/api-keys', { name: 'CI', scopes: ['tasks:read'] });
  const key = String(body['key']);
  // The first 14 characters are shown, so that people tell keys apart.
  secrets['an API key of ours'] = key.slice(14);
  const anonymous = new Client(client.baseUrl);
  const by = recorder(anonymous.withToken(key));
  expect((await by('GET', '/v1/tasks')).status).toBe(200);
  expect((await by('GET', '/v1/agents')).status).toBe(403);
  const headers = { 'x-api-key': key };
  expect((await recorder(anonymous)('GET', '/v1/tasks', undefined, { headers })).status).toBe(200);
  expect((await recorder(client)('GET', '/v1/tasks', undefined, { headers })).status).toBe(401);
  expect((await ask('POST', '/v1/auth/refresh', { refresh_token: key })).status).toBe(401);
  await ask('DELETE', `/v1/api-keys/${body['id']}`);
  await eventually(async () => expect((await by('GET', '/v1/tasks')).status).toBe(401));
}

type Ask = ReturnType<typeof recorder>;

async function newProvider(
  ask: Ask,
  name: string,
  base_url: string,
  api_key: string,
  kind = 'openai',
): Promise<string> {
  const { body } = await ask('POST', '/v1/providers', { name, kind, base_url });
  expect((await ask('PUT', `/v1/providers/${body.id}/credentials`, { api_key })).status).toBe(204);
  return body.id;
}

async function newAgent(ask: Ask, slug: string, provider_id: string, tools: string[] = []): Promise<string> {
  const agent = { name: slug, slug, system_prompt: '', model: 'sandbox-1', provider_id, tools };
  return (await ask('POST', '/v1/agents', agent)).body.id;
}

async function useProvider(client: Client, ask: Ask): Promise<void> {
  providerId = await newProvider(ask, 'sandbox', `${own.sandboxUrl}/v1`, secrets['the API key of a provider']);
  const agent = await newAgent(ask, 'helper', providerId);
  const events = await allEvents(
    await client.fetch('POST', `/v1/agents/${agent}/runs`, { body: { input: 'Hello', stream: true } }),
  );
  answers.set('stream', JSON.stringify(events));
  runId = events[0]?.data.run_id;
  expect(events.at(-1)?.type).toBe('run.completed');
  const path = `/v1/agents/${agent}/runs`;
  expect((await ask('POST', path, { input: 'Hello' })).body.status).toBe('completed');
  const change = { priority: 5, settings: { max_retries: 0 } };
  expect((await ask('PATCH', `/v1/providers/${providerId}`, change)).status).toBe(200);
  expect((await ask('POST', path, { input: '[[fail=500]]' })).body.status).toBe('failed');
  expect((await ask('POST', path, { input: '[[fail=401]]' })).body.status).toBe('failed');
}

/** A provider of each kind that answers, and one that repeats its key, by runs and by OpenAI's API. */
async function useOtherKinds(ask: Ask): Promise<void> {
  for (const kind of otherKinds) {
    const api_key = secrets[`the API key of a provider of kind ${kind}`];
    const good = await newProvider(ask, kind, sandboxBaseUrl(kind, own.sandboxUrl), api_key, kind);
    expect((await ask('POST', `/v1/providers/${good}/test`)).status).toBe(200);
    const path = `/v1/agents/${await newAgent(ask, kind, good)}/runs`;
    expect((await ask('POST', path, { input: 'Hello' })).body.status).toBe('completed');
    const bad = await newProvider(ask, `${kind}-echo`, echo.url, api_key, kind);
    const refused = await ask('POST', `/v1/agents/${await newAgent(ask, `${kind}-echo`, bad)}/runs`, {
      input: 'Hello',
    });
    const echoed = { status: 'failed', error_detail: expect.stringMatching(/You sent (Bearer )?\[secret\]/) };
    expect(refused.body).toMatchObject(echoed);
    const messages = [{ role: 'user', content: 'Hello' }];
    const completion = await ask('POST', '/v1/chat/completions', { model: `${kind}-echo/m`, messages });
    expect(completion).toMatchObject({ status: 400, text: expect.stringContaining('[secret]') });
    expect((await ask('POST', `/v1/providers/${bad}/test`)).text).toContain('[secret]');
  }
}

/** Calls tools that repeat their secret headers, and stores some that are none. */
async function useTools(ask: Ask): Promise<void> {
  const bearer = (name: keyof typeof secrets) => ({ authorization: `Bearer ${secrets[name]}` });
  const http = { name: 'lookup', kind: 'http', description: 'Looks up.', input_schema: { type: 'object' } };
  const config = { method: 'GET', url: `${echo.url}/tool` };
  const of = (name: keyof typeof secrets) => ({ secret_headers: bearer(name) });
  const lookup = await ask('POST', '/v1/tools', { ...http, config, ...of('the secret header of an HTTP tool') });
  const server = { name: 'crm', kind: 'mcp', config: { url: mcp.url } };
  const crm = await ask('POST', '/v1/tools', { ...server, ...of('the secret header of an MCP server') });
  expect([lookup.status, crm.status]).toEqual([201, 201]);
  const secret_headers = { host: secrets['the secret header of a tool that is refused'] };
  expect((await ask('POST', '/v1/tools', { ...http, name: 'other', config, secret_headers })).status).toBe(400);
  expect((await ask('PATCH', `/v1/tools/${lookup.body.id}`, { secret_headers })).status).toBe(400);
  const agent = await newAgent(ask, 'user-of-tools', providerId, ['lookup', 'crm']);
  const input = '[[tool=lookup:{} tool=crm_whoami:{}]]';
  const { body } = await ask('POST', `/v1/agents/${agent}/runs`, { input });
  expect(body.output.match(/You sent \[secret\]/g)).toHaveLength(2);
  await ask('GET', `/v1/runs/${body.id}`);
  await ask('GET', `/v1/tools/${lookup.body.id}/executions`);
  toolCiphertext = await read('select secret_ciphertext as text from tools where id = $1', lookup.body.id);
}

/** Keys that come back in a provider's words, or are no keys. */
async function provoke(ask: Ask): Promise<void> {
  const provider = await newProvider(ask, 'echo', `${echo.url}/v1`, secrets['an API key that a provider echoes']);
  const agent = await newAgent(ask, 'echo', provider);
  const { body } = await ask('POST', `/v1/agents/${agent}/runs`, { input: 'Hello' });
  expect(body).toMatchObject({ status: 'failed', error_detail: expect.stringContaining('You sent Bearer [secret]') });
  const path = `/v1/providers/${provider}/credentials`;
  expect((await ask('PUT', path, { api_key: secrets['an API key that is refused'] })).status).toBe(400);
  expect((await ask('PUT', path, { api_key: [secrets['an API key that is refused']] })).status).toBe(400);
  const broken = `{"api_key": ${secrets['an API key in a broken body']}`;
  expect((await ask('PUT', path, broken)).status).toBe(400);
}

/** Delivers once with the endpoint's secret, and once with another row's ciphertext in its place. */
async function useWebhook(client: Client, ask: Ask): Promise<void> {
  const endpoint = { url: receiver.url, events: ['task.created'] };
  const { body } = await client.post('/v1/webhooks', endpoint);
  webhookId = body.id;
  secrets['the secret of a webhook'] = String(body.secret).replace('whsec_', '');
  const deliveries = async () => (await ask('GET', `/v1/webhooks/${webhookId}/deliveries`)).body.data;
  await ask('POST', '/v1/tasks', { title: 'First' });
  await eventually(async () => expect(await deliveries()).toMatchObject([{ status: 'delivered' }]));
  await database.query('update webhooks set secret_ciphertext = $2 where id = $1', [webhookId, ciphertext]);
  await ask('POST', '/v1/tasks', { title: 'Second' });
  const error = { last_error: 'The signing secret cannot be opened.' };
  await eventually(async () => expect(await deliveries()).toContainEqual(expect.objectContaining(error)));
}

async function read(sql: string, id: string): Promise<string> {
  const { rows } = await database.query<{ text: string }>(sql, [id]);
  return rows[0]?.text ?? '';
}

/** Looks into Redis while a key waits for a replica that is not there. */
async function waitInRedis(ask: Ask): Promise<void> {
  await Promise.all(own.fleet.processes.orchestrator.map((replica) => replica.stop()));
  const api_key = secrets['an API key that no replica takes'];
  const answer = ask('PUT', `/v1/providers/${providerId}/credentials`, { api_key });
  await eventually(async () => {
    waiting = await redisContents(own.redisUrl);
    expect(placesOf(waiting, 'orchestrator.provider.putCredentials')).toEqual(['1 rpc:{orchestrator}']);
  }, 4);
  expect((await answer).status).toBe(503);
}

beforeAll(async () => {
  own = await startTestFleet('own', { env: { LOG_LEVEL: 'trace' } });
  secrets['the encryption key'] = own.keys.encryption;
  monitor = await watchRedis(own.redisUrl);
  database = new Database(own.adminDatabaseUrl);
  await database.connect();
  [receiver, echo] = [await startReceiver(), await startEcho()];
  mcp = await startMcpServer({ whoami: { call: (_, headers) => said(`You sent ${headers.authorization}`) } });
  const client = await signUp();
  const ask = recorder(client);
  await refresh(new Client(client.baseUrl), await useLinks(ask));
  await useApiKey(client, ask);
  await useProvider(client, ask);
  await useOtherKinds(ask);
  await useTools(ask);
  await provoke(ask);
  ciphertext = await read('select ciphertext as text from provider_credentials where provider_id = $1', providerId);
  await useWebhook(client, ask);
  await waitInRedis(ask);
  // What is still in buffers comes to the logs.
  await own.fleet.stop();
  inLogs = await logContents(own.fleet);
  inRedis = await redisContents(own.redisUrl);
  inTables = await tableContents(own.adminDatabaseUrl);
});

afterAll(async () => {
  monitor?.stop();
  await database?.end();
  await receiver?.close();
  await echo?.close();
  await mcp?.close();
  await own?.stop();
});

describe('the search', () => {
  it('finds what is there', () => {
    expect(inLogs.size).toBe(7);
    expect(placesOf(inLogs, '/v1/providers/:id/credentials')).toEqual([expect.stringMatching(/gateway\.log$/)]);
    expect(placesOf(inLogs, webhookId)).toEqual([expect.stringMatching(/webhook\.log$/)]);
    expect(placesOf(inRedis, runId)).toContain(`1 run:{${runId}}:log`);
    expect(placesOf(inTables, tenantName)).toEqual(expect.arrayContaining(['tenants']));
    expect(placesOf(inTables, runId)).toEqual(expect.arrayContaining(['agent_runs']));
    expect(placesOf(monitor.commands, providerId)).not.toEqual([]);
    expect(placesOf(answers, tenantName)).not.toEqual([]);
  });
});

describe.each(names)('%s', (name) => {
  it('is in no log', () => {
    expect(secrets[name].length).toBeGreaterThan(20);
    expect(placesOf(inLogs, secrets[name])).toEqual([]);
  });

  it('is in no column of any table', () => {
    expect(placesOf(inTables, secrets[name])).toEqual([]);
  });

  it('is in no key and no value of Redis', () => {
    expect(placesOf(inRedis, secrets[name])).toEqual([]);
  });

  it('is in no answer', () => {
    expect(placesOf(answers, secrets[name])).toEqual([]);
  });

  it(`is in ${mailed.includes(name) ? 'one mail alone' : 'no mail'}`, () => {
    const mails = own.mailbox.mails.map(({ id, ...mail }) => [String(id), JSON.stringify(mail)] as const);
    expect(placesOf(new Map(mails), secrets[name])).toHaveLength(mailed.includes(name) ? 1 : 0);
  });
});

describe('a ciphertext', () => {
  it('is in the columns that hold it, and nowhere else', () => {
    expect(placesOf(inTables, ciphertext).sort()).toEqual(['provider_credentials', 'webhooks']);
    expect(placesOf(inTables, toolCiphertext)).toEqual(['tools']);
    const others = [inLogs, inRedis, waiting, answers, monitor.commands];
    for (const sealed of [ciphertext, toolCiphertext])
      expect(others.flatMap((contents) => placesOf(contents, sealed))).toEqual([]);
  });
});

describe('on their way through Redis', () => {
  it('secrets are in no request that waits for a replica', () => {
    expect(placesOf(waiting, secrets['an API key that no replica takes'])).toEqual([]);
  });

  it.each(names)('no command holds %s', (name) => {
    expect(placesOf(monitor.commands, secrets[name])).toEqual([]);
  });
});
