import { createHash, randomUUID } from 'node:crypto';
import { asSuperuser } from './support/database';
import { eventually } from './support/eventually';
import type { TestMail } from './support/mail';
import { sharedFleet } from './support/shared-fleet';
import { newTenant } from './support/tenant';

const { anonymous, gateways, adminDatabaseUrl, mailTo } = sharedFleet();
const query = <Row extends object>(sql: string, params: unknown[]) => asSuperuser<Row>(adminDatabaseUrl, sql, params);

/** An invitation that waited too long for its mail, which no client can bring about. */
const REQUEST_EXPIRED = `
  with link as (
    insert into one_time_tokens (tenant_id, id, user_id, kind, expires_at)
    values ($1, $2, $3, 'invite', now() - interval '1 second')
  )
  insert into outbox (tenant_id, id, type, payload) values ($1, $4, 'mail.requested', $5)`;

const OLD = 'correct horse battery staple';
const NEW = 'another horse';

const login = (email: string, password: string) => anonymous.post('/v1/auth/login', { email, password });

/** The link is in both bodies, and of its token the hash alone is stored. */
async function expectLink({ token, text, html }: TestMail, path: string): Promise<void> {
  for (const body of [text, html]) expect(body).toContain(`${gateways[0]}/${path}#token=${token}`);
  const hash = createHash('sha256').update(token).digest('hex');
  expect(await query('select from one_time_tokens where token_hash = $1', [hash])).toHaveLength(1);
}

describe('a one-time link', () => {
  it('sets a forgotten password, once, and ends the sessions of the old one', async () => {
    const { email, client } = await newTenant(anonymous);
    const opened = await login(email, OLD);
    expect((await anonymous.post('/v1/auth/password/forgot', { email })).status).toBe(204);

    const mail = await mailTo(email);
    expect(mail.subject).toBe('Reset your Task Assistant password');
    await expectLink(mail, 'reset-password');
    const reset = () => anonymous.post('/v1/auth/password/reset', { token: mail.token, new_password: NEW });
    expect((await reset()).status).toBe(204);

    for (const gateway of gateways) {
      await eventually(async () => expect((await client.at(gateway).get('/v1/tasks')).status).toBe(401), 5);
    }
    const { refresh_token } = opened.body;
    expect(await anonymous.post('/v1/auth/refresh', { refresh_token })).toMatchObject({ status: 401 });
    expect(await login(email, OLD)).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } });
    const { status, body } = await login(email, NEW);
    expect(status).toBe(200);
    expect((await anonymous.withToken(body['access_token']).get('/v1/tasks')).status).toBe(200);
    expect(await reset()).toMatchObject({ status: 400, body: { code: 'invalid_token' } });
  });

  it('lets an invited user in, who chooses a password', async () => {
    const { client, tenant_id } = await newTenant(anonymous);
    const email = `${randomUUID()}@example.com`;
    const invited = await client.post('/v1/users', { email, role: 'member' });
    expect(invited).toMatchObject({ status: 201, body: { status: 'invited' } });

    const mail = await mailTo(email);
    expect(mail.subject).toBe('You are invited to Test on Task Assistant');
    await expectLink(mail, 'accept-invite');
    const { token } = mail;
    const reset = await anonymous.post('/v1/auth/password/reset', { token, new_password: NEW });
    expect(reset).toMatchObject({ status: 400, body: { code: 'invalid_token' } });
    const accepted = await anonymous.post('/v1/auth/invites/accept', { token, password: NEW });
    expect(accepted).toMatchObject({ status: 200, body: { user: { status: 'active' }, tenant: { id: tenant_id } } });

    const { status, body } = await login(email, NEW);
    expect(status).toBe(200);
    const me = await anonymous.withToken(body['access_token']).get('/v1/auth/me');
    expect(me.body).toMatchObject({ user: { email, role: 'member' }, tenant: { id: tenant_id } });
  });

  it('that has expired before it was mailed is not mailed', async () => {
    const { tenant_id, user_id } = await newTenant(anonymous);
    const [token_id, outbox_id] = [randomUUID(), randomUUID()];
    await query(REQUEST_EXPIRED, [tenant_id, token_id, user_id, outbox_id, { data: { token_id } }]);
    await eventually(async () => expect(await query('select from outbox where id = $1', [outbox_id])).toEqual([]));
    expect(await query('select token_hash from one_time_tokens where id = $1', [token_id])).toEqual([
      { token_hash: null },
    ]);
  });
});
