import { list, readAppUrl, readVariables } from '@taai/platform';
import { makeExactValidator } from 'envalid';
import { parseSender, parseSmtpUrl, type Sender, type SmtpServer } from './mail/mail-settings';

const smtpUrl = makeExactValidator<SmtpServer | false>(parseSmtpUrl);
const sender = makeExactValidator<Sender>(parseSender);

/**
 * Reads the webhook service's own variables: Fernet keys of stored secrets, newest first, CIDRs that may be called although private, and
 * how mail is sent. `mail.smtp` is false where none is.
 */
export function readWebhookConfig() {
  const env = readVariables({
    ENCRYPTION_KEYS: list(),
    OUTBOUND_ALLOW: list({ default: [] }),
    SMTP_URL: smtpUrl({ default: false }),
    MAIL_FROM: sender({ default: { name: 'Task Assistant', address: 'no-reply@localhost' } }),
  });
  return {
    encryptionKeys: env.ENCRYPTION_KEYS,
    outboundAllow: env.OUTBOUND_ALLOW,
    mail: { smtp: env.SMTP_URL, from: env.MAIL_FROM, appUrl: readAppUrl() },
  };
}

export type MailConfig = ReturnType<typeof readWebhookConfig>['mail'];
