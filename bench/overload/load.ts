import { Pool } from 'undici';

/** One request, ready to be sent. */
export interface Order {
  method: 'GET' | 'POST';
  path: string;
  token: string;
  body?: object;
  /** It leaves a row that can be counted. */
  isCounted: boolean;
}

/** Milliseconds of the answers. */
export interface Tally {
  done: number[];
  /** 429 and 503: these must not have been executed. */
  refused: number[];
  /** Whatever else: nobody knows whether these were executed. */
  unknown: number[];
  /** How many answers had which error, `503 overloaded` and so on. */
  errors: Record<string, number>;
  /** How many of those done have left a row. */
  counted: number;
}

const REFUSALS = [429, 503];
/** As a client that heeds `Retry-After` a little. */
const PAUSE_MS = 50;

/** Sends the order, and counts its answer. Resolves to whether it was done. */
export async function send(pool: Pool, order: Order, tally: Tally): Promise<boolean> {
  const { method, path, token, body } = order;
  const since = performance.now();
  const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) };
  const answer = await pool.request({ method, path, headers, body: body && JSON.stringify(body) }).then(
    async ({ statusCode, body: text }) => ({ status: statusCode, text: await text.text() }),
    (error: unknown) => ({ status: 0, text: String(error) }),
  );
  const { status } = answer;
  const kind = status >= 200 && status < 300 ? 'done' : REFUSALS.includes(status) ? 'refused' : 'unknown';
  tally[kind].push(performance.now() - since);
  if (kind !== 'done') return noteError(tally, answer);
  if (order.isCounted) tally.counted += 1;
  return true;
}

function noteError({ errors }: Tally, { status, text }: { status: number; text: string }): false {
  const [, code = text.slice(0, 100)] = /"code":"(\w+)"/.exec(text) ?? [];
  errors[`${status} ${code}`] = (errors[`${status} ${code}`] ?? 0) + 1;
  return false;
}

export const emptyTally = (): Tally => ({ done: [], refused: [], unknown: [], errors: {}, counted: 0 });

/** Keeps `flights` requests in flight for so many seconds; who is refused comes again after 50 ms. */
export async function crowd(origin: string, flights: number, seconds: number, next: () => Order): Promise<Tally> {
  const pool = new Pool(origin, { connections: flights });
  const tally = emptyTally();
  const until = performance.now() + seconds * 1000;
  const flight = async () => {
    while (performance.now() < until)
      if (!(await send(pool, next(), tally))) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  };
  await Promise.all(Array.from({ length: flights }, flight));
  await pool.close();
  return tally;
}
