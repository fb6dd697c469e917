import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import type { Replica } from '../../scripts/fleet';
import { json, startServer, type TestServer } from '../../apps/orchestrator/src/tool/http/http-server.testing';
import { readCalls } from '../../scripts/sandbox/calls';
import { lastUserMessage } from '../../scripts/sandbox/chat';
import { Client, type Json } from './client';
import { asSuperuser } from './database';
import { eventually } from './eventually';
import { newAgent, newTenant, type TestTenant } from './tenant';
import { startTestFleet, type TestFleet } from '../../scripts/test/test-fleet';

/** Beside the service's own, whose threads it starts, too. */
const PROGRAM = 'orchestrator/doomed';

/** Two calls at once, one that waits for a person, and an answer. */
const SCRIPT = '[[delay=0 tool=look:{"n":1} tool=note:{"n":2} step tool=charge:{"n":3}]]';

/** What a run came to, and what the tools saw of it. */
export interface Survival {
  run: Json;
  events: Json[];
  /** Requests by tool. */
  requests: Record<string, number>;
  /** Different Idempotency-Keys by tool: what an idempotent tool has done. */
  effects: Record<string, number>;
  /** Calls that the provider saw to their end. */
  answers: number;
  /** The ledger's rows. */
  ledger: { status: string; error_code: string | null }[];
}

/** A fleet without an orchestrator, for a run that loses one and is taken up by another. */
export class ChaosStage {
  private constructor(
    private readonly own: TestFleet,
    private readonly tools: TestServer,
    private readonly tenant: TestTenant,
    private readonly agentId: string,
  ) {}

  static async start(): Promise<ChaosStage> {
    const entry = { in: 'apps/orchestrator/src/doomed.fixture.ts', out: PROGRAM };
    const build = `import('./scripts/build/bundle.ts').then(({ bundle }) => bundle([${JSON.stringify(entry)}]))`;
    await promisify(execFile)(process.execPath, ['-e', build]);
    const own = await startTestFleet('own');
    const tools = await startServer(json({ done: true }));
    const tenant = await newTenant(new Client(own.fleet.gatewayUrls[0] ?? ''));
    const agentId = await newAgent(tenant, own.sandboxUrl);
    await createTools(tenant.client, agentId, tools.url);
    await own.fleet.processes.orchestrator[0]?.stop();
    return new ChaosStage(own, tools, tenant, agentId);
  }

  async stop(): Promise<void> {
    await this.own.stop();
    await this.tools.close();
  }

  /** Runs the agent on an orchestrator that dies at the boundary (`waiting`: while the run waits), and then on another one. */
  async survive(boundary: string, recordTo?: string): Promise<Survival> {
    const { fleet } = this.own;
    this.tools.received.length = 0;
    const doomed = await fleet.addReplica('orchestrator', { DIES_AT: boundary, BOUNDARIES: recordTo }, `${PROGRAM}.js`);
    const mark = randomUUID();
    const headers = { prefer: 'respond-async', 'idempotency-key': mark };
    const body = { input: `${mark} ${SCRIPT}` };
    // The answer may die with the orchestrator: the run is there all the same.
    const started = this.tenant.client
      .post(`/v1/agents/${this.agentId}/runs`, body, { headers })
      .catch(() => undefined);
    const id = await this.runOf(mark);
    if (recordTo) await this.finish(id);
    else await this.approveUntilDeath(id, doomed, boundary);
    await started;
    if (!recordTo) await fleet.addReplica('orchestrator');
    await this.expireLease(id);
    await this.finish(id);
    const survival = await this.look(id, mark);
    await Promise.all(fleet.processes.orchestrator.map((replica) => replica.stop()));
    return survival;
  }

  private async runOf(mark: string): Promise<string> {
    const sql = `select id from agent_runs where input::text like $1`;
    return eventually(async () => {
      const [row] = await asSuperuser<{ id: string }>(this.own.adminDatabaseUrl, sql, [`%${mark}%`]);
      if (!row) throw new Error('The run was not started.');
      return row.id;
    });
  }

  private async statusOf(id: string): Promise<string> {
    const sql = 'select status from agent_runs where id = $1';
    return (await asSuperuser<{ status: string }>(this.own.adminDatabaseUrl, sql, [id]))[0]?.status ?? '';
  }

  private expireLease(id: string): Promise<unknown> {
    const sql = `update agent_runs set lease_until = now() - interval '1 s' where id = $1 and lease_until is not null`;
    return asSuperuser(this.own.adminDatabaseUrl, sql, [id]);
  }

  private async approveUntilDeath(id: string, doomed: Replica, boundary: string): Promise<void> {
    await eventually(async () => {
      if (!doomed.isRunning) return;
      if ((await this.statusOf(id)) === 'waiting_approval') {
        if (boundary === 'waiting') doomed.kill('SIGKILL');
        else await this.approve(id).catch(() => undefined);
      }
      throw new Error(`The orchestrator has not reached "${boundary}".`);
    }, 60);
    await doomed.exited;
  }

  /** Approves what waits, until the run has ended. */
  private finish(id: string): Promise<void> {
    return eventually(async () => {
      const status = await this.statusOf(id);
      if (status === 'waiting_approval') await this.approve(id);
      if (!['completed', 'failed', 'cancelled'].includes(status)) throw new Error(`The run is ${status}.`);
    }, 60);
  }

  private async approve(id: string): Promise<void> {
    const { steps } = (await this.tenant.client.get(`/v1/runs/${id}`)).body;
    const waiting = steps
      .flatMap(({ tool_calls }: Json) => tool_calls)
      .filter(({ status }: Json) => status === 'waiting_approval');
    for (const { tool_call_id } of waiting)
      await this.tenant.client.post(`/v1/runs/${id}/tool-calls/${tool_call_id}/approval`, { decision: 'approve' });
  }

  private async look(id: string, mark: string): Promise<Survival> {
    const run = (await this.tenant.client.get(`/v1/runs/${id}`)).body;
    const stream = await (await this.tenant.client.fetch('GET', `/v1/runs/${id}/events`)).text();
    const events = stream.split('\n\n').filter(Boolean).map(parseEvent);
    const byTool = Map.groupBy(this.tools.received, ({ path }) => path.slice(1));
    const counts = (count: (requests: typeof this.tools.received) => number) =>
      Object.fromEntries([...byTool].map(([name, requests]) => [name, count(requests)]));
    const calls = (await readCalls(this.own.sandboxUrl)).filter(({ messages }) =>
      lastUserMessage(messages).includes(mark),
    );
    const ledger = await asSuperuser<{ status: string; error_code: string | null }>(
      this.own.adminDatabaseUrl,
      'select status, error_code from usage_records where run_id = $1 order by call_id',
      [id],
    );
    return {
      ...{ run, events, ledger },
      requests: counts(({ length }) => length),
      effects: counts((requests) => new Set(requests.map(({ headers }) => headers['idempotency-key'])).size),
      answers: calls.filter(({ finished }) => finished).length,
    };
  }
}

async function createTools(client: Client, agentId: string, url: string): Promise<void> {
  const input_schema = { type: 'object', properties: { n: { type: 'integer' } } };
  const tool = (name: string, config: object, more: object = {}) =>
    client.post('/v1/tools', { name, description: name, kind: 'http', input_schema, config, ...more });
  const answers = [
    await tool('look', { method: 'POST', url: `${url}/look`, body: { n: '{{n}}' }, idempotent: true }),
    await tool('note', { method: 'POST', url: `${url}/note`, body: { n: '{{n}}' } }),
    await tool('charge', { method: 'POST', url: `${url}/charge`, body: { n: '{{n}}' } }, { requires_approval: true }),
  ];
  answers.push(await client.patch(`/v1/agents/${agentId}`, { tools: ['look', 'note', 'charge'] }));
  for (const { status, body } of answers) if (status >= 300) throw new Error(`${status}: ${JSON.stringify(body)}`);
}

function parseEvent(block: string): Json {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? 'null';
  return { id: Number(field('id')), type: field('event'), data: JSON.parse(field('data')) };
}

/** The text that a reader is left with, who drops what `step.retried` takes back. */
export function textOf(events: readonly Json[]): string {
  const kept: Json[] = [];
  for (const event of events) {
    if (event.type === 'step.retried') while (kept.at(-1)?.id > event.data.after_id) kept.pop();
    else kept.push(event);
  }
  return kept.flatMap(({ type, data }) => (type === 'token' ? [data.text] : [])).join('');
}

/** What holds wherever an orchestrator died. */
export function expectSurvival({ run, events, requests, effects, ledger, answers }: Survival): void {
  expect(run).toMatchObject({ status: 'completed', error_code: null });
  expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
  expect(events.filter(({ type }) => type === 'tool.call')).toHaveLength(3);
  expect(events.filter(({ type }) => type === 'tool.result')).toHaveLength(3);
  expect(events.filter(({ type }) => /^run\.(completed|failed|cancelled)$/.test(type))).toHaveLength(1);
  expect(textOf(events)).toBe(run.output);
  // An idempotent tool may be asked twice, under one key; the others never.
  expect(effects['look']).toBe(1);
  expect(requests['note'] ?? 0).toBeLessThanOrEqual(1);
  expect(requests['charge'] ?? 0).toBeLessThanOrEqual(1);
  expect(ledger.filter(({ status }) => status === 'open')).toEqual([]);
  expect(ledger.length).toBeGreaterThanOrEqual(answers);
  expect(ledger.filter(({ status, error_code }) => status === 'closed' && error_code === null)).toHaveLength(3);
}
