import type { CreateAgent, CreateProvider, RunDetail, RunEvent, TokenUsage } from '@taai/contracts';
import type { UsageRecordEntity } from '@taai/entities';
import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { sandboxBaseUrl } from '../../../../../../scripts/sandbox/base-url';
import { ledger, watch, type Replica, type Stage, type User } from '../../../replica.testing';
import { textOf } from './run-truth.testing';

/** Micro-USD per million tokens, the same for every model of every vendor, and other ones in each bucket. */
const RATES = {
  input_tokens: 1_234_567,
  cache_read_tokens: 123_456,
  cache_write_tokens: 1_500_001,
  output_tokens: 4_999_999,
  reasoning_tokens: 3_333_333,
} as const;
type Bucket = keyof typeof RATES;
type Buckets = Pick<TokenUsage, Bucket>;
const buckets = Object.keys(RATES) as Bucket[];

/** A run that has ended: what observers saw, what it says of itself, and the ledger's rows. */
export interface Ended {
  events: RunEvent[];
  run: RunDetail;
  rows: UsageRecordEntity[];
}

type ProviderFields = Partial<CreateProvider>;

/** A tenant with an agent, whose models all have a price. */
export class Scene {
  /** Those of the agent, by their names. */
  tools: string[] = [];

  private constructor(
    readonly stage: Stage,
    readonly replica: Replica,
    readonly user: User,
    readonly provider_id: string,
    readonly agent_id: string,
  ) {}

  static async open(stage: Stage, replica: Replica, provider: ProviderFields = {}): Promise<Scene> {
    const user = await stage.newUser();
    await setPrices(stage, user);
    const provider_id = await addProvider(stage, replica, user, provider);
    const { id } = await user.as(() =>
      replica.agents.create({
        name: 'Guide',
        slug: 'guide',
        system_prompt: 'You are a patient guide to the country.',
        model: 'sandbox-1',
        provider_id,
      }),
    );
    return new Scene(stage, replica, user, provider_id, id);
  }

  /** Resolves to its id. It is at the sandbox, and tried once, unless the fields say otherwise. */
  addProvider(fields: ProviderFields): Promise<string> {
    return addProvider(this.stage, this.replica, this.user, fields);
  }

  async update(fields: Partial<CreateAgent>): Promise<void> {
    await this.user.as(() => this.replica.agents.update({ id: this.agent_id, ...fields }));
  }

  /** Gives the agent builtin tools. */
  async addBuiltins(...tools: string[]): Promise<void> {
    for (const name of tools)
      await this.user.as(() => this.replica.tools.create({ name, kind: 'builtin', config: { builtin: name } }));
    await this.update({ tools });
    this.tools = tools;
  }

  async start(input: string): Promise<string> {
    return (await this.user.as(() => this.replica.starter.start({ id: this.agent_id, input }))).id;
  }

  /** Starts a run, and waits for its end. */
  async run(input: string): Promise<Ended> {
    return this.ended(await this.start(input));
  }

  cancel(id: string) {
    return this.user.as(() => this.replica.runs.cancel(id));
  }

  /** Resolves when the run's log has so many characters of the answer. */
  heard(id: string, characters: number): Promise<void> {
    const { reader } = this.replica;
    return this.user.as(async () => {
      let text = '';
      for await (const event of reader.read(id, { rebuild: async () => [] })) {
        text += textOf([event]);
        if (text.length >= characters) return;
      }
      throw new Error(`The run has ended, and said but "${text}".`);
    });
  }

  /** A run at its end. Whatever became of it, its state, its log and the ledger tell the same, and no call is left open. */
  async ended(id: string): Promise<Ended> {
    const { replica, user, stage } = this;
    // Read at rest: one process plays the provider, the orchestrator and the reader, whose commands could be late in a flood.
    await until(() => !replica.executor.running.has(id));
    const events = await watch(user, replica, id);
    const run = await user.as(() => replica.runs.inspect(id));
    const rows = await ledger(stage, id);
    expect(rows.map(({ status }) => status)).toEqual(rows.map(() => 'closed'));
    for (const row of rows) {
      expect(row).toMatchObject({ agent_id: this.agent_id, user_id: user.user_id, cost_micro_usd: costOf(row) });
      expect(row.price_id).not.toBeNull();
    }
    const attempts = run.steps.flatMap(({ step, attempts }) =>
      attempts.map(({ started_at: _, ...attempt }) => ({ step, ...attempt })),
    );
    expect(attempts).toEqual(rows.map(asAttempt));
    expect(run.usage).toEqual(rows.length === 0 ? null : sumOf(rows));
    const told = events.filter(({ type }) => type === 'usage').at(-1)?.data ?? null;
    expect(told).toEqual(run.usage);
    expect(events.at(-1)?.type).toBe(`run.${run.status}`);
    return { events, run, rows };
  }
}

async function setPrices({ admin }: Stage, { tenant_id }: User): Promise<void> {
  const columns = buckets.map((bucket) => bucket.replace('tokens', 'price'));
  await admin.query(
    `insert into tenant_prices (tenant_id, id, provider_kind, model, effective_from, ${columns.join(', ')})
     select $1, gen_random_uuid(), kind, '*', '2026-01-01Z', ${Object.values(RATES).join(', ')}
     from unnest('{openai,anthropic,google,groq,ollama}'::text[]) kind`,
    [tenant_id],
  );
}

async function addProvider({ sandbox }: Stage, replica: Replica, user: User, fields: ProviderFields): Promise<string> {
  const { kind = 'openai', settings } = fields;
  const at = { name: `provider-${v7()}`, kind, base_url: sandboxBaseUrl(kind, sandbox.url) };
  return user.as(async () => {
    const { id } = await replica.providers.create({ ...at, ...fields, settings: { max_retries: 0, ...settings } });
    await replica.providers.putCredentials({ id, api_key: 'sk-sandbox' });
    return id;
  });
}

function costOf(tokens: Buckets): number | null {
  const known = buckets.filter((bucket) => tokens[bucket] !== null);
  if (known.length === 0) return null;
  return Math.round(known.reduce((sum, bucket) => sum + (tokens[bucket] ?? 0) * RATES[bucket], 0) / 1_000_000);
}

function sumOf(rows: readonly UsageRecordEntity[]): TokenUsage {
  const sum = (key: Bucket | 'cost_micro_usd') => {
    const known = rows.flatMap((row) => row[key] ?? []);
    return known.length === 0 ? null : known.reduce((total, count) => total + count, 0);
  };
  const { input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens } = Object.fromEntries(
    buckets.map((bucket) => [bucket, sum(bucket)]),
  ) as Buckets;
  const tokens = { input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens };
  return { ...tokens, cost_micro_usd: sum('cost_micro_usd'), is_estimated: rows.some((row) => row.is_estimated) };
}

function asAttempt(row: UsageRecordEntity) {
  const { step, call_id, provider_id, model, latency_ms, error_code } = row;
  return { step, call_id, provider_id, model, latency_ms, error_code, usage: sumOf([row]) };
}
