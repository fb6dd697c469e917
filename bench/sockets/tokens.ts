import { setTimeout as delay } from 'node:timers/promises';

const TOKEN_MS = 20;

/** Milliseconds since 1970, with their fractions: all processes of the machine share the clock. */
export const now = (): number => performance.timeOrigin + performance.now();

/** What is said to have so many tokens answered, and how many that are. */
export const askFor = (tokens: number): string => `tokens:${tokens}`;
export const askedFor = (text: string): number => Number([...text.matchAll(/tokens:(\d+)/g)].at(-1)?.[1] ?? 0);

/** Each 20 ms a token: its number, and when it was sent. Who is late catches up. */
export async function emitTokens(count: number, emit: (token: string) => void): Promise<void> {
  const begin = now();
  for (let n = 0; n < count; n += 1) {
    emit(`${n}:${now().toFixed(3)} `);
    await delay(Math.max(0, begin + (n + 1) * TOKEN_MS - now()));
  }
}

/** When each token of a stream was sent, and how many milliseconds it took. */
export interface Deliveries {
  sent: number[];
  took: number[];
  /** How often an answer was begun anew. */
  retried: number;
}

interface RunEvent {
  type?: string;
  data?: { text?: string };
}

/** Reads what one client was given: event by event, and when it came. Throws where a token is missing, double or out of order. */
export function readDeliveries(events: readonly { at: number; payload: string }[], expected: number): Deliveries {
  const deliveries: Deliveries = { sent: [], took: [], retried: 0 };
  for (const { at, payload } of events) {
    const [, { type, data }] = JSON.parse(payload) as [string, RunEvent];
    if (type === 'step.retried') Object.assign(deliveries, { sent: [], took: [], retried: deliveries.retried + 1 });
    if (type === 'token') note(deliveries, at, data?.text ?? '');
  }
  if (deliveries.sent.length !== expected) throw new Error(`${deliveries.sent.length} of ${expected} tokens came.`);
  return deliveries;
}

function note({ sent, took }: Deliveries, at: number, text: string): void {
  for (const token of text.trim().split(' ')) {
    const [n, sentAt = NaN] = token.split(':').map(Number);
    if (n !== sent.length) throw new Error(`Token ${sent.length} was to come, and ${token} came.`);
    sent.push(sentAt);
    took.push(at - sentAt);
  }
}
