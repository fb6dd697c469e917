// Walks five requests from HTTP to the database and lists the source files that each goes through: those with a function that V8 saw
// called in every one of several repetitions, so that what runs by the clock does not count.
import { readFile } from 'node:fs/promises';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { buildAll } from './build.ts';
import { startFleet, type Fleet, type Replica } from './fleet.ts';
import { root } from './lib/paths.ts';
import { run, type Scope } from './lib/run.ts';
import { waitFor } from './lib/wait.ts';
import { startSandbox } from './sandbox/server.ts';
import { temporaryFolder, temporaryPostgres, temporaryRedis } from './servers/temporary.ts';
import { databaseUrls } from './start/database.ts';
import { makeKeys } from './start/keys.ts';
import { migrate } from './start/migrate.ts';

const REPETITIONS = 6;
/** For what a request leaves to be done after its answer. */
const AFTER_MS = 150;

interface Called {
  url: string;
  functions: { ranges: { startOffset: number; count: number }[] }[];
}

/** A process under V8's coverage. */
class Observed {
  private asked = 0;
  private readonly answers = new Map<number, (result: unknown) => void>();
  private readonly socket: WebSocket;
  private readonly script: string;

  private constructor(socket: WebSocket, script: string) {
    this.socket = socket;
    this.script = script;
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id: number; result: unknown };
      this.answers.get(id)?.(result);
      this.answers.delete(id);
    });
  }

  static async of({ service, logFile }: Replica): Promise<Observed> {
    const address = await waitFor(
      async () => /ws:\/\/\S+/.exec(await readFile(logFile, 'utf8').catch(() => ''))?.[0],
      10_000,
    );
    if (!address) throw new Error(`The ${service} service has no inspector.`);
    const socket = new WebSocket(address);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve, { once: true });
      socket.addEventListener('error', reject, { once: true });
    });
    const observed = new Observed(socket, join(root, 'dist', service, 'main.js'));
    await observed.send('Profiler.enable');
    await observed.send('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
    return observed;
  }

  /** Source files of ours with a function that was called since the last time. */
  async files(): Promise<string[]> {
    const { result } = (await this.send('Profiler.takePreciseCoverage')) as { result: Called[] };
    const own = result.find(({ url }) => url.endsWith(this.script));
    const offsets = (own?.functions ?? []).flatMap(({ ranges }) => ranges.slice(0, 1));
    const called = offsets.filter(({ count }) => count > 0).map(({ startOffset }) => startOffset);
    return sourcesOf(this.script, called);
  }

  close(): void {
    this.socket.close();
  }

  private send(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.asked;
    this.socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => this.answers.set(id, resolve));
  }
}

const maps = new Map<string, { map: SourceMap; lines: number[] }>();

async function mapOf(script: string) {
  const known = maps.get(script);
  if (known) return known;
  const payload = JSON.parse(await readFile(`${script}.map`, 'utf8')) as SourceMapPayload;
  const lines = [0];
  for (const match of (await readFile(script, 'utf8')).matchAll(/\n/g)) lines.push(match.index + 1);
  const loaded = { map: new SourceMap(payload), lines };
  maps.set(script, loaded);
  return loaded;
}

async function sourcesOf(script: string, offsets: readonly number[]): Promise<string[]> {
  const { map, lines } = await mapOf(script);
  const sources = offsets.map((offset) => {
    const line = lines.findLastIndex((start) => start <= offset);
    const entry = map.findEntry(line, offset - (lines[line] ?? 0));
    return 'originalSource' in entry ? /(?:apps|libs)\/.*/.exec(entry.originalSource)?.[0] : undefined;
  });
  return [...new Set(sources.filter((source) => source !== undefined))];
}

async function walk(fleet: Observed[], request: () => Promise<void>): Promise<string[]> {
  await request();
  let common: string[] | undefined;
  for (let repetition = 0; repetition < REPETITIONS; repetition += 1) {
    for (const one of fleet) await one.files();
    await request();
    await delay(AFTER_MS);
    const seen = new Set((await Promise.all(fleet.map((one) => one.files()))).flat());
    common = common ? common.filter((file) => seen.has(file)) : [...seen];
  }
  return (common ?? []).sort();
}

type Json = Record<string, unknown>;

function caller(api: string, token?: string) {
  return async (method: string, path: string, body?: object): Promise<Json> => {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    const response = await fetch(api + path, { method, headers, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return text === '' ? {} : (JSON.parse(text) as Json);
  };
}

/** How many of the files belong to the edge, to the transport, to the services, and to the other libraries. */
function tally(files: readonly string[]): string {
  const partOf = (file: string) => {
    if (file.startsWith('libs/platform/src/rpc/')) return 'transport';
    if (file.startsWith('libs/')) return 'libraries';
    return file.startsWith('apps/gateway/') ? 'gateway' : 'services';
  };
  return [...Map.groupBy(files, partOf)].map(([part, own]) => `${part} ${own.length}`).join(', ');
}

/** The five requests, by name. */
async function requests(api: string, sandboxUrl: string): Promise<Record<string, () => Promise<void>>> {
  const login = { email: 'ada@example.com', password: 'a long enough secret' };
  const anonymous = caller(api);
  await anonymous('POST', '/v1/auth/register', { tenant_name: 'Acme', ...login });
  const as = caller(api, String((await anonymous('POST', '/v1/auth/login', login))['access_token']));
  const provider = await as('POST', '/v1/providers', { name: 'sandbox', kind: 'openai', base_url: `${sandboxUrl}/v1` });
  await as('PUT', `/v1/providers/${String(provider['id'])}/credentials`, { api_key: 'sk-sandbox' });
  const agent = await as('POST', '/v1/agents', {
    name: 'Helper',
    slug: 'helper',
    system_prompt: 'You help.',
    model: 'sandbox-1',
    provider_id: provider['id'],
  });
  const { key } = await as('POST', '/v1/api-keys', { name: 'rooms', scopes: ['runs:create'] });
  const asKey = caller(api, String(key));
  const completion = { model: 'sandbox/sandbox-1', messages: [{ role: 'user', content: 'Hello' }] };
  return {
    'task creation': async () => void (await as('POST', '/v1/tasks', { title: 'Walk' })),
    'chat completion': async () => void (await asKey('POST', '/v1/chat/completions', completion)),
    run: async () => void (await as('POST', `/v1/agents/${String(agent['id'])}/runs`, { input: 'Hello' })),
    login: async () => void (await anonymous('POST', '/v1/auth/login', login)),
    webhook: async () =>
      void (await as('POST', '/v1/webhooks', { url: 'http://127.0.0.1:9/', events: ['task.completed'] })),
  };
}

async function startObservedFleet(scope: Scope): Promise<Fleet> {
  const folder = await temporaryFolder(scope);
  const keys = makeKeys();
  const [admin, redisUrl] = await Promise.all([temporaryPostgres(scope, folder), temporaryRedis(scope, folder)]);
  await buildAll();
  const urls = databaseUrls(admin, keys.passwords);
  await migrate(urls);
  const env = { OUTBOUND_ALLOW: '127.0.0.0/8', NODE_OPTIONS: '--inspect=127.0.0.1:0' };
  const fleet = await startFleet({ ports: 'free', databaseUrls: urls.services, redisUrl, keys, logDir: folder, env });
  await scope.defer(() => fleet.stop());
  return fleet;
}

await run(async (scope) => {
  const fleet = await startObservedFleet(scope);
  const sandbox = await startSandbox({ port: 0 });
  await scope.defer(() => sandbox.close());
  const observed = await Promise.all(
    Object.values(fleet.processes)
      .flat()
      .map((replica) => Observed.of(replica)),
  );
  const journeys = await requests(fleet.gatewayUrls[0] ?? '', sandbox.url);
  for (const [name, request] of Object.entries(journeys)) {
    const files = await walk(observed, request);
    console.log(`${name}: ${files.length} files (${tally(files)})`);
    if (process.argv.includes('--list')) for (const file of files) console.log(`  ${file}`);
  }
  for (const one of observed) one.close();
  return 0;
});
