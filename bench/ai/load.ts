import { Pool } from 'undici';

/** Where completions are asked for. */
export interface Target {
  name: string;
  origin: string;
  path: string;
  headers: Record<string, string>;
  /** The name under which it knows the mock's model. */
  model: (name: string) => string;
}

const body = (target: Target, model: string, stream: boolean) =>
  JSON.stringify({
    model: target.model(model),
    stream,
    messages: [
      { role: 'system', content: 'You are a helpful assistant.' },
      { role: 'user', content: 'Tell me in a few words what a gateway is good for.' },
    ],
    ...(stream && { stream_options: { include_usage: true } }),
  });

const request = (target: Target, payload: string) => ({
  ...{ path: target.path, method: 'POST' as const, body: payload },
  headers: { 'content-type': 'application/json', ...target.headers },
});

async function repeatedly(flights: number, seconds: number, work: () => Promise<void>): Promise<void> {
  const until = performance.now() + seconds * 1000;
  const flight = async () => {
    while (performance.now() < until) await work();
  };
  await Promise.all(Array.from({ length: flights }, flight));
}

/** Milliseconds of every request, `flights` at a time without pause. Throws when one is not answered with 200. */
export async function completions(target: Target, flights: number, seconds: number): Promise<number[]> {
  const pool = new Pool(target.origin, { connections: flights });
  const order = request(target, body(target, 'mock-20-0', false));
  const times: number[] = [];
  await repeatedly(flights, seconds, async () => {
    const since = performance.now();
    const { statusCode, body } = await pool.request(order);
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`${target.name} answered ${statusCode}: ${text.slice(0, 300)}`);
    times.push(performance.now() - since);
  });
  await pool.close();
  return times;
}

export interface StreamResult {
  /** Milliseconds from the request to the first token. */
  first_ms: number;
  total_ms: number;
  tokens: number;
}

/** Reads one stream to its end. Throws when it is refused or cut. */
export async function readStream(pool: Pool, target: Target, model: string): Promise<StreamResult> {
  const since = performance.now();
  const { statusCode, body: answer } = await pool.request(request(target, body(target, model, true)));
  let first_ms = 0;
  let text = '';
  for await (const part of answer as AsyncIterable<Buffer>) {
    text += part.toString();
    if (first_ms === 0 && text.includes(' token')) first_ms = performance.now() - since;
  }
  if (statusCode !== 200 || !text.includes('[DONE]'))
    throw new Error(`${target.name}: a stream answered ${statusCode} and ended with ${text.slice(-200)}`);
  const tokens = text.split('" token"').length - 1;
  return { first_ms, total_ms: performance.now() - since, tokens };
}

/** Milliseconds to the first token of every stream, `flights` at a time. */
export async function firstTokens(target: Target, flights: number, seconds: number): Promise<number[]> {
  const pool = new Pool(target.origin, { connections: flights });
  const times: number[] = [];
  await repeatedly(flights, seconds, async () => {
    times.push((await readStream(pool, target, 'mock-20-0')).first_ms);
  });
  await pool.close();
  return times;
}

/** Streams that begin at once. */
export async function streamsAtOnce(target: Target, count: number, model: string): Promise<StreamResult[]> {
  const pool = new Pool(target.origin, { connections: count });
  const results = await Promise.all(Array.from({ length: count }, () => readStream(pool, target, model)));
  await pool.close();
  return results;
}
