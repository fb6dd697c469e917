import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { log } from '@taai/platform';
import type { NodemailerError, Transporter } from 'nodemailer';
import type { MailConfig } from '../config';

/** Connections of one process to the SMTP server. */
export const MAILS_AT_ONCE = 5;

/** Of one mail, from connecting to the server's reply. */
const DEADLINE_MS = 20_000;
const CONNECT_MS = 5_000;
/** Some servers delay their greeting on purpose, against spam. */
const GREETING_MS = 15_000;
const SILENCE_MS = 10_000;

export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
}

/** Says in codes why a mail was not sent. A server's own words may repeat an address, or what it was sent. */
export class MailFailure extends Error {
  /** Whether the server refuses the recipient or the message for good. What it refuses of the sender or the login, an operator can put right. */
  readonly isFinal: boolean;

  constructor({ code, originalCode, command, responseCode, permanent }: NodemailerError) {
    super([code, originalCode, command, responseCode].filter((part) => part !== undefined).join(' '));
    this.isFinal = permanent === true && (command === 'RCPT TO' || command === 'DATA');
  }
}

/** Sends mails to the SMTP server over pooled connections. */
@Injectable()
export class Mailer implements OnApplicationShutdown {
  private transport: Promise<Transporter> | undefined;

  constructor(private readonly config: MailConfig) {
    if (!this.isConfigured) log.warn('SMTP_URL is not set: no mail will be sent, what is asked for is dropped');
  }

  get isConfigured(): boolean {
    return this.config.smtp !== false;
  }

  /** Resolves when the server has taken the mail. Throws a `MailFailure`. */
  async send({ to, ...content }: Mail): Promise<void> {
    this.transport ??= this.open();
    const transport = await this.transport;
    const mail = {
      ...content,
      from: this.config.from,
      // An object, because nodemailer reads a text as a list of addresses.
      to: { name: '', address: to },
      headers: { 'Auto-Submitted': 'auto-generated' },
      disableFileAccess: true,
      disableUrlAccess: true,
      signal: AbortSignal.timeout(DEADLINE_MS),
    };
    await new Promise<void>((resolve, reject) => {
      transport.sendMail(mail, (error) => (error ? reject(new MailFailure(error)) : resolve()));
    });
  }

  async onApplicationShutdown(): Promise<void> {
    (await this.transport)?.close();
  }

  /** Loads nodemailer with the first mail: a process that sends none saves some 10 MB. */
  private async open(): Promise<Transporter> {
    const { createTransport } = await import('nodemailer');
    return createTransport({
      ...this.config.smtp,
      pool: true,
      maxConnections: MAILS_AT_ONCE,
      // The outbox counts attempts and tries again.
      maxRequeues: 0,
      connectionTimeout: CONNECT_MS,
      greetingTimeout: GREETING_MS,
      socketTimeout: SILENCE_MS,
      dnsTimeout: CONNECT_MS,
    });
  }
}
