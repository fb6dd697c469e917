import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MailLog, type ReceivedMail } from './mails.ts';
import { listPage, mailPage } from './page.ts';
import { startSmtp, type SmtpOptions } from './smtp.ts';

const LOOPBACK = '127.0.0.1';

export interface Mailbox {
  /** For `SMTP_URL`. */
  smtpUrl: string;
  smtpPort: number;
  /** Where people read the mails; programs read `${url}/mails.json` (readMails in mails.ts). */
  url: string;
  /** Oldest first. */
  mails: readonly ReceivedMail[];
  close(): Promise<void>;
}

/**
 * An SMTP server on loopback that keeps the newest 500 mails in memory and shows them on a page.
 *
 * @param options ports: 0 takes a free one.
 * @throws the error of `listen`, e.g. EADDRINUSE
 */
export async function startMailbox(
  options: { smtpPort?: number; webPort?: number } & Pick<SmtpOptions, 'refuse'> = {},
): Promise<Mailbox> {
  const log = new MailLog();
  const web = createServer((request, response) => answer(log.mails, request, response));
  web.listen(options.webPort ?? 0, LOOPBACK);
  await once(web, 'listening');
  const { port } = web.address() as AddressInfo;
  const smtp = await startSmtp({ port: options.smtpPort ?? 0, host: LOOPBACK, refuse: options.refuse }, log);
  return {
    smtpUrl: `smtp://${LOOPBACK}:${smtp.port}`,
    smtpPort: smtp.port,
    url: `http://${LOOPBACK}:${port}`,
    mails: log.mails,
    close: async () => {
      await Promise.all([smtp.close(), close(web)]);
    },
  };
}

function answer(mails: readonly ReceivedMail[], { url = '/' }: IncomingMessage, response: ServerResponse): void {
  if (url === '/mails.json') return send(response, 'application/json', JSON.stringify({ data: mails }));
  if (url === '/') return send(response, 'text/html; charset=utf-8', listPage(mails));
  const mail = mails.find(({ id }) => url === `/mails/${id}`);
  if (mail) return send(response, 'text/html; charset=utf-8', mailPage(mail));
  response.writeHead(404, { 'content-type': 'text/plain' }).end('There is no such mail.');
}

/** Mails are what others wrote: neither scripts nor anything from elsewhere. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

function send(response: ServerResponse, type: string, body: string): void {
  response.writeHead(200, { 'content-type': type, 'content-security-policy': policy, 'cache-control': 'no-store' });
  response.end(body);
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
