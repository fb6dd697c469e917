import { isNativeError } from 'node:util/types';
import { limits } from '@taai/contracts';
import { type Dispatcher, request } from 'undici';
import { Webhook as Signer } from 'standardwebhooks';

const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_ERROR_LENGTH = 500;

interface SignedPost {
  url: string;
  /** `whsec_` and base64. */
  secret: string;
  /** `webhook-id`: the event's id, the same at every attempt, so that receivers can tell repetitions. */
  id: string;
  body: string;
}

/** How the receiver answered: a status code, or in words why there was none. */
export type Answer = { status_code: number } | { error: string };

/** POSTs one signed event. Redirects are not followed: a 3xx is an answer like any other. Never throws. */
export async function postSigned(dispatcher: Dispatcher, { url, secret, id, body }: SignedPost): Promise<Answer> {
  const now = new Date();
  try {
    const { statusCode, body: answer } = await request(url, {
      method: 'POST',
      dispatcher,
      signal: AbortSignal.timeout(limits.deliveryTimeoutMs),
      headers: {
        'content-type': 'application/json',
        'user-agent': 'task-assistant-webhooks',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
        'webhook-signature': new Signer(secret).sign(id, now, body),
      },
      body,
    });
    // Read, so that the connection can serve again; more than the bound is cut off.
    await answer.dump({ limit: MAX_ANSWER_BYTES });
    return { status_code: statusCode };
  } catch (error) {
    return { error: inWords(error) };
  }
}

function inWords(error: unknown): string {
  if (!isNativeError(error)) return 'The request failed.';
  if (error.name === 'TimeoutError') return `There was no answer within ${limits.deliveryTimeoutMs / 1000} seconds.`;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return [code, error.message].filter(Boolean).join(': ').slice(0, MAX_ERROR_LENGTH);
}
