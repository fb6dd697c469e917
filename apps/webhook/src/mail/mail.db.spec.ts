import { getQueueToken } from '@nestjs/bull';
import { log, whenReady } from '@taai/platform';
import { testRedis, until } from '@taai/platform-testing';
import type { Queue } from 'bull';
import { startMailbox, type Mailbox } from '../../../../scripts/mailbox/server';
import { MAILS } from '../bull-redis';
import { MailRepository, type MailRef } from './mail.repository';
import { MailService } from './mail.service';
import { Mailer, MailFailure } from './mailer';
import { OutboxRelay } from '../outbox/outbox.relay';
import { MAX_CLAIMS, OutboxRepository } from '../outbox/outbox.repository';
import { createService, type Service } from '../webhook.testing';
import { parseSmtpUrl } from './mail-settings';

let service: Service;
let mailbox: Mailbox;
/** What the server makes of a recipient. */
let refuse: (address: string) => Promise<number | undefined> = async () => undefined;
let logged: string[];

const openMailbox = (smtpPort = 0) => startMailbox({ smtpPort, refuse: (address) => refuse(address) });

beforeAll(async () => {
  mailbox = await openMailbox();
  service = await createService({ smtpUrl: mailbox.smtpUrl });
});
afterAll(async () => {
  await mailbox.close();
  await service.close();
});
beforeEach(() => {
  logged = [];
  refuse = async () => undefined;
  for (const level of ['warn', 'error'] as const)
    jest.spyOn(log, level).mockImplementation((...line: unknown[]) => void logged.push(JSON.stringify(line)));
});

let recipients = 0;

/** A mail that somebody wants, in the outbox of a new tenant. */
async function request(more: { to?: string; name?: string; tenant_name?: string } = {}) {
  const tenant = await service.createTenant();
  const to = more.to ?? `user-${(recipients += 1)}@example.com`;
  const { ref, token_id } = await service.requestMail(tenant);
  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  service.auth.wanted.set(token_id, { template: 'invite', name: null, tenant_name: 'Acme', expires_at, ...more, to });
  return { tenant, to, ref, token_id };
}

const send = (ref: MailRef) => service.module.get(MailService).send(ref);
const relay = () => service.module.get(OutboxRelay).drain();
const mailsTo = (address: string) => mailbox.mails.filter(({ to }) => to.includes(address));
/** Lets go of the relay's lease, or ends a back-off, as time would. */
const release = (tenant: string) => service.inTenant(tenant, 'update outbox set claimed_until = null');

describe('a mail', () => {
  it('waits in the outbox for a job that knows no more than its row, and is sent once', async () => {
    const { tenant, to, ref } = await request();
    await relay();
    await release(tenant);
    await relay();
    const jobs = await service.module.get<Queue>(getQueueToken(MAILS)).getWaiting();
    expect(jobs.map(({ data }) => data as MailRef).filter(({ id }) => id === ref.id)).toEqual([ref]);
    expect(mailsTo(to)).toEqual([]);
    await send(ref);
    await send(ref);
    const [mail, ...more] = mailsTo(to);
    expect(more).toEqual([]);
    const link = `http://127.0.0.1:3000/accept-invite#token=${service.auth.minted.at(-1)}`;
    expect(mail).toMatchObject({
      from: 'no-reply@localhost',
      to: [to],
      subject: 'You are invited to Acme on Task Assistant',
      text: expect.stringContaining(`\n${link}\n`),
      html: expect.stringContaining(`<a href="${link}">`),
      source: expect.stringMatching(/^From: Task Assistant <no-reply@localhost>\r$/m),
    });
    expect(mail?.source).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(await service.outbox(tenant)).toEqual([]);
  });

  it('is dropped when its link is no longer wanted', async () => {
    const { tenant, to, ref, token_id } = await request();
    service.auth.wanted.delete(token_id);
    await send(ref);
    expect(mailsTo(to)).toEqual([]);
    expect(await service.outbox(tenant)).toEqual([]);
  });

  it('is left for later while auth does not answer', async () => {
    const { tenant, to, ref } = await request();
    const compose = jest.spyOn(service.auth, 'compose').mockRejectedValue(new Error('no answer'));
    await send(ref);
    expect(await service.outbox(tenant)).toMatchObject([{ attempts: 1, parked: false }]);
    compose.mockRestore();
    await send(ref);
    expect(mailsTo(to)).toHaveLength(1);
  });

  it('that the server refuses for good is dropped, and the log names no address', async () => {
    const { tenant, to, ref, token_id } = await request();
    refuse = async () => 550;
    await send(ref);
    expect(await service.outbox(tenant)).toEqual([]);
    expect(mailsTo(to)).toEqual([]);
    expect(logged).toEqual([expect.stringMatching(/EENVELOPE RCPT TO 550.*"template":"invite"/)]);
    expect(logged[0]).toContain(token_id);
    expect(logged[0]).not.toContain(to);
  });

  it('that the server does not take now is tried again, each time with another token', async () => {
    const { tenant, to, ref } = await request();
    refuse = async () => 451;
    await send(ref);
    const first = service.auth.minted.at(-1);
    expect(await service.outbox(tenant)).toMatchObject([{ attempts: 1, parked: false }]);
    refuse = async () => undefined;
    await send(ref);
    const [mail] = mailsTo(to);
    expect(mail?.text).toContain(service.auth.minted.at(-1));
    expect(mail?.text).not.toContain(first);
  });
});

describe('while the server is away', () => {
  it('a mail is left for later, is given up in the end, and goes out once the server is back', async () => {
    const { smtpPort } = mailbox;
    await mailbox.close();
    const { tenant, to, ref, token_id } = await request();
    await send(ref);
    expect(await service.outbox(tenant)).toMatchObject([{ attempts: 1, parked: false }]);
    const [row] = await service.inTenant<{ waits: boolean }>(
      tenant,
      'select claimed_until > now() as waits from outbox',
    );
    expect(row).toEqual({ waits: true });
    expect(logged).toEqual([expect.stringMatching(/ECONNREFUSED.*a mail is left for later/)]);
    await service.inTenant(tenant, 'update outbox set attempts = $1', [MAX_CLAIMS - 1]);
    await send(ref);
    expect(await service.outbox(tenant)).toMatchObject([{ attempts: MAX_CLAIMS, parked: true }]);
    expect(logged.at(-1)).toMatch(new RegExp(`${token_id}.*a mail is given up`));
    mailbox = await openMailbox(smtpPort);
    await send(ref);
    expect(mailsTo(to)).toHaveLength(1);
    expect(await service.outbox(tenant)).toEqual([]);
    for (const token of service.auth.minted) expect(logged.join()).not.toContain(token);
  });

  it('waiting for a turn is no attempt', async () => {
    const { tenant, ref } = await request();
    for (let n = 0; n < 3; n += 1) {
      await release(tenant);
      await relay();
    }
    expect(await service.outbox(tenant)).toMatchObject([{ attempts: 0 }]);
    refuse = async () => 451;
    await send(ref);
    expect(await service.outbox(tenant)).toMatchObject([{ attempts: 1 }]);
  });
});

describe('hostile input', () => {
  it('in names adds no header and no recipient', async () => {
    const hostile = 'Eve\r\nBcc: eve@example.com\r\n\r\n<script>alert(1)</script>';
    const { to, ref } = await request({ name: hostile, tenant_name: hostile });
    await send(ref);
    const [mail] = mailsTo(to);
    expect(mail?.to).toEqual([to]);
    expect(mail?.source).not.toMatch(/^Bcc:/im);
    expect(mail?.html).not.toContain('<script>');
    expect(mail?.subject).not.toMatch(/[\r\n]/);
  });

  it.each([
    'one@example.com, two@example.com',
    'one@example.com> NOTIFY=NEVER\r\nRCPT TO:<two@example.com',
    'List: one@example.com, two@example.com;',
  ])('as address %j reaches nobody else', async (to) => {
    const before = mailbox.mails.length;
    const { ref } = await request({ to });
    await send(ref);
    const envelopes = mailbox.mails.slice(before).flatMap((mail) => mail.to);
    expect(envelopes).not.toContain('one@example.com');
    expect(envelopes).not.toContain('two@example.com');
  });
});

describe('the way to the server', () => {
  const mail = { to: 'ada@example.com', subject: 'x', text: 'x', html: 'x' };
  const from = { name: '', address: 'no-reply@localhost' };

  it('never carries a login in the clear, nor names it in an error', async () => {
    const smtp = parseSmtpUrl(mailbox.smtpUrl.replace('//', '//ada:hunter2@'));
    const mailer = new Mailer({ smtp, from, appUrl: '' });
    const failure = await mailer.send(mail).catch((error: unknown) => error);
    await mailer.onApplicationShutdown();
    expect(failure).toBeInstanceOf(MailFailure);
    expect(failure).toMatchObject({ message: expect.stringContaining('ETLS'), isFinal: false });
    expect(JSON.stringify(failure) + String(failure)).not.toMatch(/hunter2|ada/);
  });

  it('may be absent: what is asked for is dropped, and the log says so', async () => {
    const mailer = new Mailer({ smtp: false, from, appUrl: '' });
    expect(logged).toEqual([expect.stringContaining('SMTP_URL is not set')]);
    const { module, auth } = service;
    const { tenant, to, ref, token_id } = await request();
    await new MailService(module.get(MailRepository), module.get(OutboxRepository), mailer, auth, { appUrl: '' }).send(
      ref,
    );
    expect(await service.outbox(tenant)).toEqual([]);
    expect(logged.at(-1)).toContain(token_id);
    expect(logged.join()).not.toContain(to);
  });
});

/** All that Redis holds of the queues. */
async function redisContents(): Promise<string> {
  const redis = testRedis('commands');
  await whenReady(redis);
  const found: unknown[] = [];
  for (const key of await redis.keys(`${service.queuePrefix}*`)) {
    const type = await redis.type(key);
    if (type === 'hash') found.push(key, await redis.hgetall(key));
    else if (type === 'list') found.push(key, await redis.lrange(key, 0, -1));
    else if (type === 'zset') found.push(key, await redis.zrange(key, 0, -1));
    else if (type === 'set') found.push(key, await redis.smembers(key));
    else if (type === 'stream') found.push(key, await redis.xrange(key, '-', '+'));
    else found.push(key, await redis.get(key));
  }
  redis.disconnect();
  return JSON.stringify(found);
}

describe('the running service', () => {
  beforeAll(() => service.module.init());

  it('sends what is committed, and leaves its token in no queue and no row meanwhile', async () => {
    const arrived = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<undefined>();
    const { tenant, to, ref } = await request();
    refuse = async (address) => {
      if (address !== to) return undefined;
      arrived.resolve();
      return goOn.promise;
    };
    await arrived.promise;
    const token = service.auth.minted.at(-1) ?? '';
    const rows = await service.inTenant(tenant, 'select * from outbox');
    const redis = await redisContents();
    expect(rows).toHaveLength(1);
    expect(redis).toContain(ref.id);
    for (const secret of [token, to]) expect(JSON.stringify(rows) + redis).not.toContain(secret);
    goOn.resolve(undefined);
    await until(async () => (await service.outbox(tenant)).length === 0);
    expect(mailsTo(to)).toHaveLength(1);
  });

  it('tries again by itself', async () => {
    const { tenant, to } = await request();
    refuse = async () => 451;
    await until(async () => (await service.outbox(tenant))[0]?.attempts === 1 && logged.length > 0);
    refuse = async () => undefined;
    await until(async () => {
      await release(tenant);
      return (await service.outbox(tenant)).length === 0;
    });
    expect(mailsTo(to)).not.toEqual([]);
  });
});
