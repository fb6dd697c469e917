import { readFile } from 'node:fs/promises';
import { eventually } from './support/eventually';
import { sharedFleet } from './support/shared-fleet';
import { newTenant } from './support/tenant';

const { anonymous, gatewayLog } = sharedFleet();

const INJECTIONS = [
  `' OR '1'='1' --`,
  `'; DROP TABLE users; --`,
  `") UNION SELECT password_hash FROM users --`,
  `x'||pg_sleep(10)||'`,
  `$$;SELECT set_config('app.tenant_id','x',false);$$`,
  `\\'; COPY users TO PROGRAM 'id' --`,
  `%27%20OR%201=1`,
  `"\\n{"level":"fatal"}`,
];

/** Every header that the gateway or something in front of it reads, and how a value stands in it. */
const HEADERS: [string, (text: string) => string][] = [
  ['authorization', (text) => text],
  ['authorization', (text) => `Bearer ${text}`],
  ['authorization', (text) => `Bearer taai_live_${text}`],
  ['authorization', (text) => `Basic ${Buffer.from(`admin:${text}`).toString('base64')}`],
  ['x-api-key', (text) => text],
  ['x-api-key', (text) => `taai_live_${text}`],
  ['x-request-id', (text) => text],
  ['traceparent', (text) => text],
  ['tracestate', (text) => text],
  ['idempotency-key', (text) => text],
  ['last-event-id', (text) => text],
  ['prefer', (text) => text],
  ['x-forwarded-for', (text) => text],
  ['x-forwarded-proto', (text) => text],
  ['x-forwarded-host', (text) => text],
  ['forwarded', (text) => `for=${text}`],
  ['cookie', (text) => `session=${text}`],
  ['user-agent', (text) => text],
  ['origin', (text) => text],
  ['referer', (text) => text],
  ['accept', (text) => text],
  ['accept-version', (text) => text],
];

const RUN_EVENTS = '/v1/runs/01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42/events';

describe('SQL metacharacters in a header', () => {
  it.each(HEADERS)('%s: 401, wherever it is sent', async (name, write) => {
    for (const text of INJECTIONS) {
      const headers = { [name]: write(text) };
      for (const answer of [
        await anonymous.get('/v1/tasks', { headers }),
        await anonymous.post('/v1/tasks', { title: 'x' }, { headers }),
        await anonymous.get(RUN_EVENTS, { headers }),
      ]) {
        expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
        expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
        expect(JSON.stringify(answer.body)).not.toContain(text);
      }
    }
  });

  it('content-type: 401, and 415 where nobody need be known', async () => {
    for (const text of INJECTIONS) {
      const headers = { 'content-type': `application/json${text}` };
      expect(await anonymous.get('/v1/tasks', { headers })).toMatchObject({ status: 401 });
      expect(await anonymous.post('/v1/tasks', { title: 'x' }, { headers })).toMatchObject({ status: 401 });
      const answer = await anonymous.post('/v1/auth/login', { email: 'a@example.com' }, { headers });
      expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
    }
  });

  it('with credentials they are data: refused by contract, or of no effect', async () => {
    const { client } = await newTenant(anonymous);
    for (const text of INJECTIONS) {
      const headers = { 'x-request-id': text, traceparent: text, 'x-forwarded-for': text, prefer: text, origin: text };
      expect(await client.get('/v1/tasks', { headers })).toMatchObject({ status: 200, body: { data: [] } });
      const created = await client.post('/v1/tasks', { title: 'x' }, { headers: { 'idempotency-key': text } });
      expect(created.status).toBe(/ /.test(text) ? 400 : 201);
      await client.delete(`/v1/tasks/${created.body['id']}`);
    }
  });

  it('leaves no trace in the log', async () => {
    const last = await anonymous.get('/v1/tasks', { headers: { 'x-request-id': 'last-of-the-injections' } });
    expect(last.status).toBe(401);
    const log = await eventually(async () => {
      const text = await readFile(gatewayLog, 'utf8');
      expect(text).toContain('last-of-the-injections');
      return text;
    });
    for (const text of INJECTIONS) {
      expect(log).not.toContain(text);
      expect(log).not.toContain(JSON.stringify(text).slice(1, -1));
    }
  });
});

it('a body that is no JSON by its type is not read', async () => {
  for (const type of ['application/x-www-form-urlencoded', 'text/plain']) {
    const answer = await anonymous.post('/v1/auth/login', 'email=a@b.example', { headers: { 'content-type': type } });
    expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
  }
});
