import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import PostalMime from 'postal-mime';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerEnvelope } from 'smtp-server';
import type { MailLog } from './mails.ts';

const MAX_MAIL_BYTES = 1024 * 1024;

export interface SmtpOptions {
  /** 0 takes a free one. */
  port: number;
  host: string;
  /** The code that a recipient is refused with, if it is. Until it resolves, the client waits. */
  refuse?: (address: string) => Promise<number | undefined>;
}

const failure = (message: string, responseCode: number) => Object.assign(new Error(message), { responseCode });

async function receive(stream: SMTPServerDataStream, { mailFrom, rcptTo }: SMTPServerEnvelope, log: MailLog) {
  const source = await buffer(stream);
  const { subject = '', text = '', html = '' } = await PostalMime.parse(source);
  const from = mailFrom === false ? '' : mailFrom.address;
  log.add({ from, to: rcptTo.map(({ address }) => address), subject, text, html, source: source.toString() });
}

/** An SMTP server that takes every mail and passes none on. */
export async function startSmtp({ port, host, refuse }: SmtpOptions, log: MailLog) {
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    size: MAX_MAIL_BYTES,
    rejectOversized: true,
    closeTimeout: 1,
    onRcptTo({ address }, _session, done) {
      void Promise.resolve(refuse?.(address)).then((code) =>
        done(code === undefined ? null : failure(`The mailbox was told to refuse ${address}.`, code)),
      );
    },
    onData(stream, { envelope }, done) {
      receive(stream, envelope, log).then(
        () => done(),
        () => done(failure('The mail cannot be read.', 554)),
      );
    },
  });
  // Of one connection, e.g. cut by its client: the server goes on.
  server.on('error', () => undefined);
  const listener = server.listen(port, host);
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    close: () => new Promise<void>((done) => server.close(done)),
  };
}
