/** The SMTP server that mails are handed to. */
export interface SmtpServer {
  host: string;
  port: number;
  /** TLS from the first byte. */
  secure: boolean;
  /** A login never travels in the clear: without TLS from the start, the server must offer STARTTLS. */
  requireTLS: boolean;
  auth?: { user: string; pass: string };
}

export interface Sender {
  name: string;
  address: string;
}

/**
 * Parses `smtp://` or `smtps://user:password@host:port`; returns false for an empty text. Parameters are refused: they could turn the check
 * of certificates off, or write secrets into the log. Errors repeat nothing of the URL, which may hold a password.
 */
export function parseSmtpUrl(text: string): SmtpServer | false {
  if (text === '') return false;
  const url = URL.parse(text);
  const secure = url?.protocol === 'smtps:';
  if (!url || !(secure || url.protocol === 'smtp:') || url.hostname === '' || hasMore(url))
    throw new Error('is not smtp://user:password@host:port or smtps://…, with nothing behind the port');
  const hasLogin = url.username !== '';
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    requireTLS: hasLogin && !secure,
    ...(hasLogin && { auth: { user: decode(url.username), pass: decode(url.password) } }),
  };
}

const hasMore = ({ pathname, search, hash }: URL) => !['', '/'].includes(pathname) || search !== '' || hash !== '';

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Error('has a user or a password that is not percent-encoded');
  }
}

/** Parses `Name <address>`, or an address alone. */
export function parseSender(text: string): Sender {
  const [, name = '', address] = /^(?:([^<>\p{Cc}]*)<)?([^<>@\s]+@[^<>@\s]+)>?$/u.exec(text) ?? [];
  if (address === undefined) throw new Error('is not "Name <address>" or an address');
  return { name: name.trim(), address };
}
