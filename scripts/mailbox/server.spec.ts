import { createTransport } from 'nodemailer';
import { readMails } from './mails.ts';
import { startMailbox, type Mailbox } from './server.ts';

let mailbox: Mailbox;
beforeAll(async () => {
  mailbox = await startMailbox();
});
afterAll(() => mailbox.close());

const send = (mail: object) => {
  const transport = createTransport({ url: mailbox.smtpUrl });
  return transport.sendMail({ from: 'a@example.com', to: 'b@example.com', ...mail });
};

it('keeps what is sent, whatever its encoding, for programs', async () => {
  const subject = `Grüße ${'😀'.repeat(40)}`;
  await send({ subject, text: 'ä\n', html: '<p>ä</p>', bcc: 'c@example.com' });
  expect((await readMails(mailbox.url)).at(-1)).toMatchObject({
    from: 'a@example.com',
    to: ['b@example.com', 'c@example.com'],
    subject,
    text: 'ä\n',
    html: '<p>ä</p>\n',
    source: expect.stringContaining('To: b@example.com'),
  });
});

it('shows it to people, and runs nothing of it', async () => {
  await send({ subject: '<img src=x onerror=alert(1)>', text: '</pre><script>', html: `"><script>alert(1)</script>` });
  const list = await fetch(mailbox.url);
  expect(await list.text()).toContain('&#60;img src=x onerror=alert(1)&#62;');
  const { id } = mailbox.mails.at(-1) ?? {};
  const page = await fetch(`${mailbox.url}/mails/${id}`);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  const text = await page.text();
  expect(text).not.toMatch(/<script|<img/);
  expect(text).toContain('srcdoc="&#60;base target=&#34;_blank&#34;&#62;&#34;&#62;&#60;script&#62;alert(1)');
  expect((await fetch(`${mailbox.url}/mails/0`)).status).toBe(404);
});
