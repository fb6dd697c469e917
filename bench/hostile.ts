// What the worst body costs that anybody found, route by route, against a plain one of the same size: the gateway in one process, no network,
// no service behind it. What is measured is the process' time on the processor.
import 'reflect-metadata';
import { bodyLimitsOf, ProblemError } from '@taai/contracts';
import { requestLog } from '@taai/platform';
import {
  hostileBodies,
  hostileRoutes,
  type Hostile,
  type HostileRoute,
} from '../apps/gateway/src/http/hostile.testing';
import { bearer, startEdge, type TestEdge } from '../apps/gateway/src/http/http.testing';
import { median, writeResults } from './report.ts';

const ROUNDS = 9;
/** Bytes of a body, where the route takes so many. */
const SIZES = [4000, 60_000, 1_000_000];
const MOST = 20;
const FINALISTS = 3;

const headers = { ...bearer, 'content-type': 'application/json' };
const nobody = () => Promise.reject(new ProblemError('not_found'));
const methods = Object.fromEntries(['send', 'start', 'chat'].map((name) => [name, nobody]));

async function* stream(): AsyncGenerator<string> {
  yield await nobody();
}

interface Worst {
  route: string;
  bytes: number;
  body: string;
  /** Microseconds on the processor, of a kilobyte. */
  us_per_kb: number;
  plain_us_per_kb: number;
  ratio: number;
}

/** Microseconds on the processor for each kilobyte, the median of some requests. */
async function costOf(edge: TestEdge, { verb, path }: HostileRoute, payload: string, rounds: number): Promise<number> {
  const costs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = process.cpuUsage();
    const { statusCode } = await edge.inject({ method: verb, url: path, headers, payload });
    const { user, system } = process.cpuUsage(before);
    if (statusCode >= 500) throw new Error(`${verb} ${path} answered ${statusCode}.`);
    costs.push(user + system);
  }
  return median(costs) / (Buffer.byteLength(payload) / 1000);
}

type Candidate = Pick<Worst, 'body' | 'us_per_kb'> & { payload: string };

async function worstOf(edge: TestEdge, route: HostileRoute, bytes: number): Promise<Worst> {
  const candidates: Candidate[] = [];
  for (const [body, payload] of hostileBodies(route, bytes)) {
    // Extremes are small: theirs is the cost of any request.
    if (Buffer.byteLength(payload) < bytes / 4) continue;
    candidates.push({ body, payload, us_per_kb: await costOf(edge, route, payload, ROUNDS) });
  }
  const compared: Worst[] = [];
  for (const { body, payload } of dearest(candidates)) compared.push(await compare(edge, route, [body, payload]));
  const [worst] = compared.toSorted((a, b) => b.ratio - a.ratio);
  if (!worst) throw new Error(`Nothing hostile was sent to ${route.path}.`);
  return worst;
}

/** The worst of many is mostly one that was disturbed: those that seem so are measured again. */
const dearest = (costs: readonly Candidate[]): Candidate[] =>
  costs.toSorted((a, b) => b.us_per_kb - a.us_per_kb).slice(0, FINALISTS);

/** Against one text of as many bytes. */
async function compare(edge: TestEdge, route: HostileRoute, [body, payload]: Hostile): Promise<Worst> {
  const bytes = Buffer.byteLength(payload);
  const plain_us_per_kb = await costOf(edge, route, `{"text":"${'a'.repeat(bytes)}"}`, 3 * ROUNDS);
  const us_per_kb = await costOf(edge, route, payload, 3 * ROUNDS);
  return {
    route: route.bound.method.http,
    bytes,
    body,
    us_per_kb,
    plain_us_per_kb,
    ratio: us_per_kb / plain_us_per_kb,
  };
}

requestLog.level = 'silent';
const edge = await startEdge({}, { call: nobody, methods, stream });
const results: Worst[] = [];
for (const route of hostileRoutes().filter(({ takesBody }) => takesBody)) {
  const sizes = SIZES.filter((bytes) => bytes < bodyLimitsOf(route.bound).bytes);
  for (const bytes of sizes) results.push(await worstOf(edge, route, bytes));
}
await edge.close();

const sorted = results.toSorted((a, b) => b.ratio - a.ratio);
console.log('| route | bytes | worst body | µs/kB | plain | ratio |\n|---|---|---|---|---|---|');
for (const { route, bytes, body, us_per_kb, plain_us_per_kb, ratio } of sorted.slice(0, 12))
  console.log(
    `| ${[route, bytes, body, us_per_kb.toFixed(1), plain_us_per_kb.toFixed(1), `${ratio.toFixed(1)}×`].join(' | ')} |`,
  );
await writeResults('hostile', {
  title: `The worst body of each route against a plain one of its size; none above ${MOST}×`,
  results: sorted,
});
process.exitCode = sorted.some(({ ratio }) => ratio > MOST) ? 1 : 0;
