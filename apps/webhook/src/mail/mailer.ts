import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { log } from '@taai/platform';
import type { NodemailerError, Transporter } from 'nodemailer';
import type { MailConfig } from '../config';

/** Connections of one process to the SMTP server. */
export const MAILS_AT_ONCE = 5;

/** From the first step to the server's last word. */
const DEADLINE_MS = 20_000;
const CONNECT_MS = 5_000;
/** Some servers let a client wait on purpose, to see whether it is a patient one. */
const GREETING_MS = 15_000;
const SILENCE_MS = 10_000;

export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
}

/** A mail that did not leave. It speaks in codes alone: a server's own words may repeat an address, or what it was sent. */
export class MailFailure extends Error {
  /** Of the recipient or the message, for good: what fails for the sender or its login may work once an operator has seen to it. */
  readonly isFinal: boolean;

  constructor({ code, originalCode, command, responseCode, permanent }: NodemailerError) {
    super([code, originalCode, command, responseCode].filter((part) => part !== undefined).join(' '));
    this.isFinal = permanent === true && (command === 'RCPT TO' || command === 'DATA');
  }
}

/** The way to the SMTP server. */
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
      // Taken as it is: never read as a list.
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

  /** Loaded with the first mail: it costs every process that sends none some 10 MB. */
  private async open(): Promise<Transporter> {
    const { createTransport } = await import('nodemailer');
    return createTransport({
      ...this.config.smtp,
      pool: true,
      maxConnections: MAILS_AT_ONCE,
      // The outbox tries again, and counts.
      maxRequeues: 0,
      connectionTimeout: CONNECT_MS,
      greetingTimeout: GREETING_MS,
      socketTimeout: SILENCE_MS,
      dnsTimeout: CONNECT_MS,
    });
  }
}
