import type { ComposedMail, MailTemplate } from '@taai/contracts';

interface RenderedMail {
  subject: string;
  text: string;
  html: string;
}

interface Template {
  /** Of the page that the link opens. */
  path: string;
  subject: (tenant: string) => string;
  reason: (tenant: string) => string;
  /** What the link does, and says. */
  action: string;
  unexpected: string;
}

const templates: Record<MailTemplate, Template> = {
  invite: {
    path: 'accept-invite',
    subject: (tenant) => `You are invited to ${tenant} on Task Assistant`,
    reason: (tenant) => `You are invited to join ${tenant} on Task Assistant.`,
    action: 'Accept the invitation',
    unexpected: 'If you do not know why you are invited, ignore this mail: without the link nothing happens.',
  },
  password_reset: {
    path: 'reset-password',
    subject: () => 'Reset your Task Assistant password',
    reason: (tenant) => `Somebody asked for a new password for your account in ${tenant} on Task Assistant.`,
    action: 'Choose a new password',
    unexpected: 'If you did not ask for it, ignore this mail: your password stays as it is.',
  },
};

/** Renders a mail as text and HTML. Its link keeps the token in the fragment, which reaches no server and no referrer. */
export function renderMail(
  { template, name, tenant_name, token, expires_at }: ComposedMail,
  appUrl: string,
): RenderedMail {
  const { path, action, unexpected, ...words } = templates[template];
  const tenant = plain(tenant_name);
  const subject = words.subject(tenant);
  const greeting = name === null ? 'Hello,' : `Hello ${plain(name)},`;
  const reason = words.reason(tenant);
  const link = `${appUrl}/${path}#token=${encodeURIComponent(token)}`;
  const validity = `The link works once, until ${minute(expires_at)} UTC. Where a token is asked for, it is:`;
  return {
    subject,
    text: [greeting, reason, `${action}:\n${link}`, `${validity}\n${token}`, unexpected].join('\n\n') + '\n',
    html: page(subject, [
      escape(greeting),
      escape(reason),
      `<a href="${escape(link)}">${action}</a>`,
      `${escape(validity)}<br><code>${escape(token)}</code>`,
      escape(unexpected),
    ]),
  };
}

const page = (title: string, paragraphs: string[]) => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escape(title)}</title></head>
<body>
${paragraphs.map((paragraph) => `<p>${paragraph}</p>`).join('\n')}
</body>
</html>
`;

const MAX_NAME = 100;
const WORD_JOINER = '\u2060';

/**
 * Makes a name that somebody typed safe for a mail to a stranger: one line, nothing invisible, nothing that a mail program would make a
 * link of.
 */
function plain(name: string): string {
  const line = name.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  const short = [...line].slice(0, MAX_NAME).join('');
  return short.replace(/[.:/@](?=\S)/g, `$&${WORD_JOINER}`);
}

const escape = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const minute = (time: ComposedMail['expires_at']) => new Date(time).toISOString().slice(0, 16).replace('T', ' ');
