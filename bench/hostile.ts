// What the worst body costs that anybody found, route by route, against a plain one of the same size: the gateway in one process, no network,
// no service behind it. What is measured is the process' time on the processor.
import 'reflect-metadata';
import { bodyLimitsOf, ProblemError } from '@taai/contracts';
import { requestLog } from '@taai/platform';
import { hostileBodies, hostileRoutes, type HostileRoute } from '../apps/gateway/src/http/hostile.testing';
import { bearer, startEdge, type TestEdge } from '../apps/gateway/src/http/http.testing';
import { median, writeResults } from './report.ts';

const ROUNDS = 9;
/** Bytes of a body, where the route takes so many. */
const SIZES = [4000, 60_000, 1_000_000];
const MOST = 20;

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

async function worstOf(edge: TestEdge, route: HostileRoute, bytes: number): Promise<Worst> {
  const plain = `{"text":"${'a'.repeat(bytes)}"}`;
  await costOf(edge, route, plain, ROUNDS); // warms up
  const plain_us_per_kb = await costOf(edge, route, plain, 3 * ROUNDS);
  let worst = { us_per_kb: 0, body: '' };
  for (const [body, payload] of hostileBodies(route, bytes)) {
    // Extremes are small: theirs is the cost of any request.
    if (Buffer.byteLength(payload) < bytes / 4) continue;
    const us_per_kb = await costOf(edge, route, payload, ROUNDS);
    if (us_per_kb > worst.us_per_kb) worst = { us_per_kb, body };
  }
  return { route: route.bound.method.http, bytes, ...worst, plain_us_per_kb, ratio: worst.us_per_kb / plain_us_per_kb };
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
