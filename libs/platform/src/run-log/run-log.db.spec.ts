import type { RunEvent } from '@taai/contracts';
import { keys } from '../redis/keys';
import { whenReady, type RedisRole } from '../redis/redis';
import { testRedis, until } from '../testing';
import { Channels } from './channels';
import { RunLogReader, type ReadOptions, type RunLogReaderOptions } from './run-log-reader';
import { LeaseLost, RunLogWriter } from './run-log-writer';

const closers: (() => void)[] = [];
afterAll(() => closers.forEach((close) => close()));

function connect(role: RedisRole, connectionName?: string) {
  const redis = testRedis(role, connectionName);
  closers.push(() => redis.disconnect());
  return redis;
}

const redis = connect('commands');
const channels = new Channels(connect('subscriber'));
beforeAll(() => whenReady(redis));

const newRun = () => crypto.randomUUID();
const inProgress = async () => [];

const reader = (options: RunLogReaderOptions = {}) => new RunLogReader(redis, channels, options);

async function collect(runId: string, options: Partial<ReadOptions> = {}, from = reader()): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of from.read(runId, { rebuild: inProgress, ...options })) events.push(event);
  return events;
}

const started = { run_id: 'r', agent_id: 'a' };
const toolCall = (n: number) => ({ id: 'call', name: 'tool', arguments: { n } });
const usage = {
  input_tokens: 1,
  cache_read_tokens: null,
  cache_write_tokens: null,
  output_tokens: 1,
  reasoning_tokens: null,
  cost_micro_usd: null,
  is_estimated: false,
};

/** Writes a whole run, each of its tokens an event of its own. */
async function writeRun(writer: RunLogWriter, tokens: number): Promise<void> {
  writer.append('run.started', started);
  for (let n = 0; n < tokens; n += 1) {
    writer.appendToken(`token ${n} `);
    await writer.flush();
  }
  writer.append('usage', { ...usage, output_tokens: tokens });
  writer.append('run.completed', { output: 'done' });
  await writer.close();
}

/** Puts an event into the log whose publication is lost. */
const addUnpublished = (runId: string, { id, type, data }: RunEvent) =>
  redis.xadd(keys.runLog(runId), `${id}-0`, 't', type, 'd', JSON.stringify(data));

const publish = (runId: string, ...events: RunEvent[]) => redis.publish(keys.runLive(runId), JSON.stringify(events));

const event = (id: number): RunEvent => ({ id, type: 'token', data: { text: `text ${id}` } });
const completed = (id: number): RunEvent => ({ id, type: 'run.completed', data: { output: 'done' } });

const listeners = async (runId: string) => Number((await redis.pubsub('NUMSUB', keys.runLive(runId)))[1]);

describe('a log that is written and read', () => {
  it('is followed live by several readers, in order and to the end', async () => {
    const runId = newRun();
    const reads = [collect(runId), collect(runId)];
    await until(async () => (await listeners(runId)) === 1);
    await writeRun(new RunLogWriter(redis, runId), 50);
    const [first, second] = await Promise.all(reads);
    expect(first?.map(({ id }) => id)).toEqual(Array.from({ length: 53 }, (_, index) => index + 1));
    expect(first?.at(-1)).toEqual({ id: 53, type: 'run.completed', data: { output: 'done' } });
    expect(second).toEqual(first);
    expect(await listeners(runId)).toBe(0);
  });

  it('equals the uncut one, resumed after any of its events, while it is written and afterwards', async () => {
    const runId = newRun();
    const cuts = Array.from({ length: 23 }, (_, after) => after);
    const during = cuts.map((after) => collect(runId, { after }));
    await writeRun(new RunLogWriter(redis, runId), 20);
    const uncut = await collect(runId);
    expect(uncut).toHaveLength(23);
    for (const after of cuts) {
      const rest = uncut.slice(after);
      expect(await collect(runId, { after })).toEqual(rest);
      expect(await during[after]).toEqual(rest);
    }
  });

  it('is read whole when it is longer than a page', async () => {
    const runId = newRun();
    const writer = new RunLogWriter(redis, runId);
    for (let n = 1; n <= 1200; n += 1) writer.append('tool.call', toolCall(n));
    writer.append('run.failed', { code: 'internal', detail: '' });
    await writer.close();
    expect((await collect(runId)).map(({ id }) => id)).toEqual(Array.from({ length: 1201 }, (_, index) => index + 1));
  });

  it('joins the tokens of one tick, expires, and keeps to its length', async () => {
    const runId = newRun();
    const writer = new RunLogWriter(redis, runId, { expire_seconds: 60, max_events: 10 });
    writer.appendToken('a');
    writer.appendToken('b');
    writer.append('tool.call', toolCall(0));
    writer.appendToken('c');
    expect(writer.last_id).toBe(3);
    await writer.flush();
    const entries = await redis.xrange(keys.runLog(runId), '-', '+');
    expect(entries).toEqual([
      ['1-0', ['t', 'token', 'd', '{"text":"ab"}']],
      ['2-0', ['t', 'tool.call', 'd', JSON.stringify(toolCall(0))]],
      ['3-0', ['t', 'token', 'd', '{"text":"c"}']],
    ]);
    expect(await redis.ttl(keys.runLog(runId))).toBeGreaterThan(50);
    for (let n = 0; n < 2000; n += 1) writer.append('tool.call', toolCall(n));
    await writer.flush();
    expect(await redis.xlen(keys.runLog(runId))).toBeLessThan(500);
  });
});

it('a log joins neither reasoning with tokens nor the other way round', async () => {
  const runId = newRun();
  const writer = new RunLogWriter(redis, runId);
  writer.appendReasoning('Hm, ');
  writer.appendReasoning('easy.');
  writer.appendToken('Two and ');
  writer.appendToken('two.');
  writer.appendReasoning('Done.');
  writer.append('run.completed', { output: 'Two and two.' });
  await writer.close();
  expect((await collect(runId)).slice(0, 3)).toEqual([
    { id: 1, type: 'reasoning', data: { text: 'Hm, easy.' } },
    { id: 2, type: 'token', data: { text: 'Two and two.' } },
    { id: 3, type: 'reasoning', data: { text: 'Done.' } },
  ]);
});

describe('a reader whose live events are lost', () => {
  it('fills a gap from the log', async () => {
    const runId = newRun();
    const read = collect(runId);
    await until(async () => (await listeners(runId)) === 1);
    for (const id of [1, 2, 3]) await addUnpublished(runId, event(id));
    await addUnpublished(runId, completed(4));
    await publish(runId, completed(4));
    expect((await read).map(({ id }) => id)).toEqual([1, 2, 3, 4]);
  });

  it('looks into the log after a silence', async () => {
    const runId = newRun();
    const read = collect(runId, {}, reader({ silence_ms: 20 }));
    await until(async () => (await listeners(runId)) === 1);
    await addUnpublished(runId, event(1));
    await addUnpublished(runId, { id: 2, type: 'run.cancelled', data: {} });
    expect((await read).map(({ id }) => id)).toEqual([1, 2]);
  });

  it('ignores what it has, and what is no event', async () => {
    const runId = newRun();
    const read = collect(runId);
    await until(async () => (await listeners(runId)) === 1);
    for (const id of [1, 2]) {
      await addUnpublished(runId, event(id));
      await publish(runId, event(1), event(id));
      await redis.publish(keys.runLive(runId), '{"not":"events"}');
    }
    await addUnpublished(runId, completed(3));
    await publish(runId, event(2), completed(3));
    expect((await read).map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  it.each([
    ['events', { capacity: 4 }, 1],
    ['bytes', {}, 100_000],
  ])('goes on from the log when it is slower than its buffer of %s', async (_, options, length) => {
    const runId = newRun();
    const events: RunEvent[] = [];
    let release = () => undefined as void;
    const held = new Promise<void>((resolve) => (release = resolve));
    const read = (async () => {
      for await (const event of reader(options).read(runId, { rebuild: inProgress })) {
        events.push(event);
        if (event.id === 1) await held;
      }
    })();
    const writer = new RunLogWriter(redis, runId);
    writer.append('run.started', started);
    await until(() => events.length === 1);
    for (let n = 0; n < 30; n += 1) {
      writer.append('tool.call', { ...toolCall(n), arguments: { n, text: 'x'.repeat(length) } });
      await writer.flush();
    }
    release();
    writer.append('run.completed', { output: 'done' });
    await writer.close();
    await read;
    expect(events.map(({ id }) => id)).toEqual(Array.from({ length: 32 }, (_, index) => index + 1));
  });

  it('survives the loss of the subscriber connection', async () => {
    const name = `killed-${newRun()}`;
    const runId = newRun();
    const lonely = new RunLogReader(redis, new Channels(connect('subscriber', name)));
    const read = collect(runId, {}, lonely);
    await until(async () => (await listeners(runId)) === 1);
    const clients = String(await redis.client('LIST')).split('\n');
    const id = /\bid=(\d+)/.exec(clients.find((line) => line.includes(`name=${name}`)) ?? '')?.[1];
    await redis.client('KILL', 'ID', id ?? '');
    await until(async () => (await listeners(runId)) === 0);
    await writeRun(new RunLogWriter(redis, runId), 5);
    expect((await read).map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe('a reader that ends', () => {
  it('stops listening at once when its signal aborts, while it waits and while its user does', async () => {
    const runId = newRun();
    const abort = new AbortController();
    const waiting = collect(runId, { signal: abort.signal });
    const busy = reader().read(runId, { rebuild: inProgress, signal: abort.signal });
    const writer = new RunLogWriter(redis, runId);
    writer.append('run.started', started);
    await writer.flush();
    expect((await busy.next()).value).toMatchObject({ id: 1 });
    abort.abort();
    await until(async () => (await listeners(runId)) === 0);
    expect((await waiting).length).toBeLessThanOrEqual(1);
    expect(await busy.next()).toEqual({ done: true, value: undefined });
  });

  it('reads nothing when its signal was aborted before', async () => {
    expect(await collect(newRun(), { signal: AbortSignal.abort() })).toEqual([]);
  });

  it('ends at once after a terminal event that it had already', async () => {
    const runId = newRun();
    await writeRun(new RunLogWriter(redis, runId), 2);
    expect(await collect(runId, { after: 5 })).toEqual([]);
  });
});

describe('a log that does not have what comes next', () => {
  const rebuilt: RunEvent[] = [
    { id: 1, type: 'run.started', data: started },
    event(8),
    { id: 9, type: 'usage', data: usage },
    completed(10),
  ];

  it('is replaced by the events from the database once the run has ended', async () => {
    expect(await collect(newRun(), { rebuild: async () => rebuilt })).toEqual(rebuilt);
    expect((await collect(newRun(), { rebuild: async () => rebuilt, after: 5 })).map(({ type }) => type)).toEqual([
      'step.retried',
      'token',
      'run.completed',
    ]);
    expect(await collect(newRun(), { rebuild: async () => rebuilt, after: 10 })).toEqual([]);
  });

  it('is waited for while the run has not begun', async () => {
    const runId = newRun();
    let asked = 0;
    const read = collect(runId, { rebuild: async () => (asked++, []) });
    await until(() => asked > 0);
    await writeRun(new RunLogWriter(redis, runId), 1);
    expect(await read).toHaveLength(4);
  });

  it('is replaced when its beginning was cut off', async () => {
    const runId = newRun();
    for (const id of [6, 7, 8, 9]) await addUnpublished(runId, event(id));
    const answers = [[], [], rebuilt];
    const read = collect(runId, { rebuild: async () => answers.shift() ?? [] }, reader({ silence_ms: 20 }));
    expect(await read).toEqual(rebuilt);
  });

  it('is completed when its writer died between the commit and the last event', async () => {
    const runId = newRun();
    for (const id of [1, 2, 3, 4, 5, 6, 7, 8]) await addUnpublished(runId, event(id));
    const read = await collect(runId, { rebuild: async () => rebuilt }, reader({ silence_ms: 20 }));
    expect(read.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('is asked for again when the database fails, and given up when it keeps failing', async () => {
    const fast = reader({ silence_ms: 5 });
    let calls = 0;
    const once = async () => {
      if (calls++ === 0) throw new Error('no database');
      return rebuilt;
    };
    expect(await collect(newRun(), { rebuild: once }, fast)).toEqual(rebuilt);
    const never = async () => Promise.reject(new Error('no database'));
    await expect(collect(newRun(), { rebuild: never }, fast)).rejects.toThrow('no database');
  });
});

describe('two writers of one run', () => {
  it('shut the older one out, and it learns of it', async () => {
    const runId = newRun();
    let told = 0;
    const stale = new RunLogWriter(redis, runId, { onLost: () => (told += 1) });
    stale.append('run.started', started);
    stale.appendToken('lost');
    await stale.flush();
    const heir = await RunLogWriter.takeOver(redis, runId);
    expect(heir.last_id).toBe(2);
    stale.appendToken('too late');
    await expect(stale.flush()).rejects.toThrow(LeaseLost);
    heir.append('step.retried', { step: 1, after_id: 1 });
    stale.append('run.completed', { output: 'done' });
    await expect(stale.close()).rejects.toThrow(LeaseLost);
    heir.append('run.completed', { output: 'done' });
    await heir.close();
    expect(told).toBe(1);
    expect((await collect(runId)).map(({ id, type }) => `${id} ${type}`)).toEqual([
      '1 run.started',
      '2 token',
      '3 step.retried',
      '4 run.completed',
    ]);
  });

  it('shut out one that only thinks that it is the first', async () => {
    const runId = newRun();
    const late = new RunLogWriter(redis, runId);
    const heir = await RunLogWriter.takeOver(redis, runId);
    late.append('run.started', started);
    await expect(late.flush()).rejects.toThrow(LeaseLost);
    expect(heir.last_id).toBe(0);
  });
});

describe('a writer without Redis', () => {
  it('writes once what it has to send twice, and what gathered meanwhile', async () => {
    const runId = newRun();
    const cut = connect('commands');
    await whenReady(cut);
    const writer = new RunLogWriter(cut, runId);
    writer.appendToken('a');
    const written = writer.flush();
    cut.disconnect(true);
    await written.catch(() => undefined);
    writer.appendToken('b');
    writer.append('run.completed', { output: 'done' });
    await writer.close();
    const events = await collect(runId);
    expect(events.flatMap(({ type, data }) => (type === 'token' ? [data.text] : []))).toEqual(['a', 'b']);
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
  });

  it('keeps within its bound', async () => {
    const runId = newRun();
    const cut = connect('commands');
    cut.disconnect();
    const writer = new RunLogWriter(cut, runId, { max_waiting: 100 });
    for (let n = 0; n < 1000; n += 1) writer.appendToken('ten chars ');
    await expect(writer.close(0)).rejects.toThrow();
  });
});
