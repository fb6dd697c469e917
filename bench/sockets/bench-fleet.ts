import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { buildAll } from '../../scripts/build.ts';
import { startFleet, type Fleet } from '../../scripts/fleet.ts';
import type { Scope } from '../../scripts/lib/run.ts';
import { temporaryFolder, temporaryPostgres, temporaryRedis } from '../../scripts/servers/temporary.ts';
import { adminEnvironment } from '../../scripts/start/admin-file.ts';
import { databaseUrls } from '../../scripts/start/database.ts';
import { makeKeys } from '../../scripts/start/keys.ts';
import { migrate } from '../../scripts/start/migrate.ts';
import { call } from '../call.ts';
import { newMockTenant, startMock } from '../mock-tenant.ts';

const AT_ONCE = 20;

/** Runs of one tenant that an orchestrator executes at once: two thirds of its slots, though nobody else wants one. */
const RUNS_OF_TENANT = 132;

/** What a tenant needs to have so many sockets; everything else is as shipped. */
const LIMITS = { open_streams: 20_000 };

/** The fleet with one tenant, whose agent answers by the mock provider. */
export class BenchFleet {
  private constructor(
    readonly fleet: Fleet,
    readonly token: string,
    private readonly agent_id: string,
  ) {}

  static async start(scope: Scope): Promise<BenchFleet> {
    const folder = await temporaryFolder(scope);
    const keys = makeKeys();
    const [admin, redisUrl] = await Promise.all([temporaryPostgres(scope, folder), temporaryRedis(scope, folder)]);
    await buildAll();
    const urls = databaseUrls(admin, keys.passwords);
    await migrate(urls);
    const mock = await startMock(scope);
    const surroundings = { databaseUrls: urls.services, redisUrl, keys };
    const fleet = await startFleet({ ports: 'free', ...surroundings, logDir: folder });
    await scope.defer(() => fleet.stop());
    const api = fleet.gatewayUrls[0] ?? '';
    const { id, token, provider_id } = await newMockTenant(api, mock, 'bench');
    const env = { ...process.env, ...adminEnvironment(surroundings) };
    const tenant = (...args: string[]) =>
      promisify(execFile)(process.execPath, ['dist/auth/admin.js', 'tenant', ...args], { env });
    await tenant('plan', id, 'unlimited');
    await tenant('limits', id, JSON.stringify(LIMITS));
    const named = { name: 'Bench', slug: 'bench', system_prompt: '', model: 'mock-1' };
    const agent = { ...named, provider_id, automatic_titles: false };
    return new BenchFleet(fleet, token, String((await call(api, '/v1/agents', agent, token))['id']));
  }

  get url(): string {
    return this.fleet.gatewayUrls[0] ?? '';
  }

  /** Adds orchestrators until so many runs are executed at once. */
  async makeRoom(runs: number): Promise<void> {
    while (this.fleet.processes.orchestrator.length * RUNS_OF_TENANT < runs)
      await this.fleet.addReplica('orchestrator');
  }

  /** Resolves to the ids of new conversations. */
  async converse(count: number): Promise<string[]> {
    const ids: string[] = [];
    const work = async () => {
      for (let left = Math.ceil(count / AT_ONCE); left > 0; left -= 1) {
        const { id } = await call(this.url, '/v1/conversations', { agent_id: this.agent_id }, this.token);
        ids.push(String(id));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return ids.slice(0, count);
  }
}
