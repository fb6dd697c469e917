import type { ComposedMail } from '@taai/contracts';
import { renderMail } from './mail-templates';

const composed: ComposedMail = {
  template: 'invite',
  to: 'ada@example.com',
  name: 'Ada',
  tenant_name: 'Acme',
  token: 'dG9rZW4',
  expires_at: '2026-12-01T09:05:59.000Z',
};
const render = (more: Partial<ComposedMail>) => renderMail({ ...composed, ...more }, 'https://app.example.com');

it('invites', () => {
  expect(render({})).toEqual({
    subject: 'You are invited to Acme on Task Assistant',
    text: `Hello Ada,

You are invited to join Acme on Task Assistant.

Accept the invitation:
https://app.example.com/accept-invite#token=dG9rZW4

The link works once, until 2026-12-01 09:05 UTC. Where a token is asked for, it is:
dG9rZW4

If you do not know why you are invited, ignore this mail: without the link nothing happens.
`,
    html: `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>You are invited to Acme on Task Assistant</title></head>
<body>
<p>Hello Ada,</p>
<p>You are invited to join Acme on Task Assistant.</p>
<p><a href="https://app.example.com/accept-invite#token=dG9rZW4">Accept the invitation</a></p>
<p>The link works once, until 2026-12-01 09:05 UTC. Where a token is asked for, it is:<br><code>dG9rZW4</code></p>
<p>If you do not know why you are invited, ignore this mail: without the link nothing happens.</p>
</body>
</html>
`,
  });
});

it('resets passwords, of the nameless too', () => {
  expect(render({ template: 'password_reset', name: null })).toEqual({
    subject: 'Reset your Task Assistant password',
    text: `Hello,

Somebody asked for a new password for your account in Acme on Task Assistant.

Choose a new password:
https://app.example.com/reset-password#token=dG9rZW4

The link works once, until 2026-12-01 09:05 UTC. Where a token is asked for, it is:
dG9rZW4

If you did not ask for it, ignore this mail: your password stays as it is.
`,
    html: `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Reset your Task Assistant password</title></head>
<body>
<p>Hello,</p>
<p>Somebody asked for a new password for your account in Acme on Task Assistant.</p>
<p><a href="https://app.example.com/reset-password#token=dG9rZW4">Choose a new password</a></p>
<p>The link works once, until 2026-12-01 09:05 UTC. Where a token is asked for, it is:<br><code>dG9rZW4</code></p>
<p>If you did not ask for it, ignore this mail: your password stays as it is.</p>
</body>
</html>
`,
  });
});

describe('hostile names', () => {
  it('stay on their line', () => {
    const { subject, text } = render({ tenant_name: 'A\r\nBcc: eve@example.com\u2028\u0085B', name: 'x\n\nhttp' });
    expect(subject).toMatch(/^You are invited to A Bcc: eve@\u2060example\.\u2060com B on Task Assistant$/);
    expect(text).toMatch(/^Hello x http,\n\nYou are invited to join A Bcc: /);
  });

  it('are no HTML', () => {
    const { html } = render({
      tenant_name: '</title><script>alert(1)</script>',
      name: `"><img src=x onerror='1'>&amp;`,
    });
    expect(html).not.toMatch(/<(script|img)/);
    expect(html).toContain('<p>Hello &#34;&#62;&#60;img src=x onerror=&#39;1&#39;&#62;&#38;amp;,</p>');
  });

  it('become no links', () => {
    const { text, html } = render({
      tenant_name: 'Bank: log in at https://evil.example/login',
      name: 'www.evil.example',
    });
    for (const body of [text, html]) expect(body).not.toMatch(/evil\.example|:\/\/evil/);
  });

  it('are neither endless nor invisible, and are not cut within a character', () => {
    const { subject } = render({ tenant_name: `\u202e\u200b${'😀'.repeat(300)}` });
    expect(subject).toBe(`You are invited to ${'😀'.repeat(100)} on Task Assistant`);
  });
});
