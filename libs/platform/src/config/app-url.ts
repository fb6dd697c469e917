import { makeValidator, port } from 'envalid';
import { gatewayPort } from './ports';
import { readVariables } from './variables';

/** Parses an http or https address. Returns it without a slash at its end, so that paths can be added. */
export function parseBaseUrl(text: string): string {
  const url = URL.parse(text);
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (!isHttp || url.username !== '' || url.search !== '' || url.hash !== '')
    throw new Error('is not an http:// or https:// address without user, query and fragment');
  return url.href.replace(/\/$/, '');
}

const baseUrl = makeValidator<string>(parseBaseUrl);

/** Reads where links that people follow lead: APP_URL, or the gateway on this machine. */
export function readAppUrl(): string {
  const env = readVariables({
    APP_URL: baseUrl({ default: undefined }),
    PORT: port({ default: gatewayPort, desc: "the gateway's" }),
  });
  return env.APP_URL ?? `http://127.0.0.1:${env.PORT}`;
}
