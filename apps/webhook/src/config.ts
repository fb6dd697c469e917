import { gatewayPort, list, readVariables } from '@taai/platform';
import { makeExactValidator, makeValidator, port } from 'envalid';
import { parseBaseUrl, parseSender, parseSmtpUrl, type Sender, type SmtpServer } from './mail/mail-settings';

const smtpUrl = makeExactValidator<SmtpServer | false>(parseSmtpUrl);
const sender = makeExactValidator<Sender>(parseSender);
const baseUrl = makeValidator<string>(parseBaseUrl);

/**
 * Reads the webhook service's own variables: Fernet keys of stored secrets, newest first, CIDRs that may be called although private, and
 * how mail is sent. `mail.smtp` is false where none is. Links lead to the gateway on this machine, unless APP_URL says otherwise.
 */
export function readWebhookConfig() {
  const env = readVariables({
    ENCRYPTION_KEYS: list(),
    OUTBOUND_ALLOW: list({ default: [] }),
    SMTP_URL: smtpUrl({ default: false }),
    MAIL_FROM: sender({ default: { name: 'Task Assistant', address: 'no-reply@localhost' } }),
    APP_URL: baseUrl({ default: undefined }),
    PORT: port({ default: gatewayPort, desc: "the gateway's" }),
  });
  return {
    encryptionKeys: env.ENCRYPTION_KEYS,
    outboundAllow: env.OUTBOUND_ALLOW,
    mail: { smtp: env.SMTP_URL, from: env.MAIL_FROM, appUrl: env.APP_URL ?? `http://127.0.0.1:${env.PORT}` },
  };
}

export type MailConfig = ReturnType<typeof readWebhookConfig>['mail'];
