import { createHash, randomUUID } from 'node:crypto';
import { asSuperuser } from './support/database';
import { eventually } from './support/eventually';
import { sharedFleet } from './support/shared-fleet';
import { newTenant } from './support/tenant';

const { anonymous, adminDatabaseUrl, mailTo } = sharedFleet();
const query = <Row extends object>(sql: string, params: unknown[]) => asSuperuser<Row>(adminDatabaseUrl, sql, params);

/** A one-time link for the user, and the outbox row that has it mailed, as auth commits them. */
const REQUEST = `
  with link as (
    insert into one_time_tokens (tenant_id, id, user_id, kind, expires_at)
    values ($1, $2, $3, $4, now() + $5::interval)
  )
  insert into outbox (tenant_id, id, type, payload) values ($1, $6, 'mail.requested', $7)`;

async function requestLink(kind: 'invite' | 'password_reset', lifetime = '1 hour') {
  const user = await newTenant(anonymous);
  const [token_id, outbox_id] = [randomUUID(), randomUUID()];
  await query(REQUEST, [user.tenant_id, token_id, user.user_id, kind, lifetime, outbox_id, { data: { token_id } }]);
  const outboxIsEmpty = () =>
    eventually(async () => expect(await query('select id from outbox where id = $1', [outbox_id])).toEqual([]));
  return { ...user, token_id, outboxIsEmpty };
}

describe('a one-time link', () => {
  it.each([
    ['invite', 'You are invited to Test on Task Assistant', 'accept-invite'],
    ['password_reset', 'Reset your Task Assistant password', 'reset-password'],
  ] as const)('%s is mailed with a token of which the hash alone is stored', async (kind, subject, path) => {
    const { email, token_id, outboxIsEmpty } = await requestLink(kind);
    const mail = await mailTo(email);
    expect(mail.subject).toBe(subject);
    for (const body of [mail.text, mail.html]) expect(body).toContain(`/${path}#token=${mail.token}`);
    await outboxIsEmpty();
    const [stored] = await query<{ token_hash: string }>('select token_hash from one_time_tokens where id = $1', [
      token_id,
    ]);
    expect(stored?.token_hash).toBe(createHash('sha256').update(mail.token).digest('hex'));
  });

  it('that has expired before it was mailed is not mailed', async () => {
    const { token_id, outboxIsEmpty } = await requestLink('invite', '-1 second');
    await outboxIsEmpty();
    expect(await query('select token_hash from one_time_tokens where id = $1', [token_id])).toEqual([
      { token_hash: null },
    ]);
  });
});
