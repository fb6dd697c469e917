import { distinct, trespasses, type Told } from '../../../scripts/test/crowd/verdict';
import type { Shape } from '../../../scripts/test/crowd/schedule';
import { runEventsOf } from '../chat-client';
import { asSuperuser } from '../database';
import { eventually } from '../eventually';
import type { Device } from './device';
import type { Stage } from './stage';
import { PROMISED_MS, TenantCrowd } from './tenant-crowd';

/** A message as the database has it. */
interface Row {
  id: string;
  conversation_id: string;
  parent_message_id: string | null;
  role: string;
  content: string;
  run_id: string | null;
  user_id: string | null;
}

const columns = ['id', 'conversation_id', 'parent_message_id', 'role', 'content', 'run_id', 'user_id'] as const;

/** Several tenants at once, and what the database says of them at the end. */
export class Crowd {
  private constructor(
    private readonly stage: Stage,
    readonly tenants: readonly TenantCrowd[],
  ) {}

  static async create(stage: Stage, tenants: number, shape: Shape): Promise<Crowd> {
    const newestRuns = new Map<string, string>();
    const crowds: TenantCrowd[] = [];
    for (let n = 0; n < tenants; n += 1) {
      crowds.push(await TenantCrowd.create(`tenant ${n}`, shape, stage, newestRuns));
    }
    const foreign = crowds.map(({ conversations }) => conversations[0] ?? '');
    for (const [n, crowd] of crowds.entries()) crowd.conversations.push(foreign[(n + 1) % tenants] ?? '');
    return new Crowd(stage, crowds);
  }

  get devices(): Device[] {
    return this.tenants.flatMap(({ devices }) => devices);
  }

  /** All tenants at once, each by a schedule of its own. Throws for the first thing that does not go as it has to. */
  async run(seed: number): Promise<void> {
    await Promise.all(this.tenants.map((tenant, n) => tenant.run(seed * 1000 + n)));
    await this.allAnswered();
    await Promise.all(this.tenants.map((tenant) => tenant.lastWords()));
  }

  /** Every device has what it may have, as the database has it, and nothing else. */
  async check(): Promise<void> {
    const rows = await this.rows();
    const history = Map.groupBy(rows, ({ conversation_id }) => conversation_id);
    const runs = new Map(rows.flatMap(({ run_id, conversation_id }) => (run_id ? [[run_id, conversation_id]] : [])));
    for (const tenant of this.tenants) {
      for (const device of tenant.devices) {
        for (const id of device.inside) await eventually(async () => expectWhole(device, history.get(id) ?? []));
        // Whatever was sent before has come with this.
        await device.ask('conversation:leave', { conversation_id: tenant.conversations[0] });
        for (const id of tenant.conversations) expectBeginning(device, id, history.get(id) ?? []);
        const windowsOf = (id: string) => tenant.windowsOf(device.user, id);
        const found = trespasses(toldOf(device, runs), windowsOf, PROMISED_MS);
        expect([device.name, found]).toEqual([device.name, []]);
      }
    }
  }

  close(): void {
    for (const tenant of this.tenants) tenant.close();
  }

  private allAnswered(): Promise<void> {
    const sql = `select m.id from messages m where m.conversation_id = any($1) and m.role = 'user'
      and not exists (select from messages a where a.role = 'assistant' and a.tenant_id = m.tenant_id and a.run_id = m.run_id)`;
    return eventually(async () => expect(await this.query(sql)).toEqual([]), 60);
  }

  private rows(): Promise<Row[]> {
    return this.query<Row>(`select ${columns.join(', ')} from messages where conversation_id = any($1) order by id`);
  }

  private query<T extends object>(sql: string): Promise<T[]> {
    const ids = this.tenants.flatMap(({ conversations }) => conversations);
    return asSuperuser<T>(this.stage.adminDatabaseUrl, sql, [ids]);
  }
}

/** What is no word of a conversation. */
const apart = new Set(['closing', 'connected', 'recovered', 'cut']);

/** What a device was told of conversations; a run that nobody knows is one of no conversation. */
function toldOf(device: Device, runs: ReadonlyMap<string, string>): Told[] {
  return device.log.flatMap(({ at, type, conversation, data }) => {
    if (apart.has(type)) return [];
    return [{ at, type, conversation: conversation ?? runs.get(data?.run_id) ?? 'no conversation' }];
  });
}

function received(device: Device, conversation: string): object[] {
  const messages = distinct(device.messages(conversation), ({ id }) => id);
  return messages.map((message) => Object.fromEntries(columns.map((name) => [name, message[name]])));
}

/** What came is the database's from the first message on, with nothing left out, up to where the device left. */
function expectBeginning(device: Device, conversation: string, rows: readonly Row[]): void {
  const messages = received(device, conversation);
  expect([device.name, ...messages]).toEqual([device.name, ...rows.slice(0, messages.length)]);
}

/** All of the conversation is there, each message and each event of its runs, in order. */
function expectWhole(device: Device, rows: readonly Row[]): void {
  const id = rows[0]?.conversation_id ?? '';
  expect([device.name, ...received(device, id)]).toEqual([device.name, ...rows]);
  for (const { run_id, role, content } of rows) {
    if (role !== 'assistant') continue;
    const events = distinct(runEventsOf(device.events, run_id ?? ''), (event) => event.id);
    expect(events.map((event) => event.id)).toEqual(events.map((_, index) => index + 1));
    expect(events.at(-1)?.type).toBe('run.completed');
    const text = events.flatMap(({ type, data }) => (type === 'token' ? [data.text] : [])).join('');
    expect(text).toBe(content);
  }
}
