import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { startTestFleet, type TestFleet } from '../scripts/test/test-fleet';
import { Client } from './support/client';
import { newOpenAiTenant, type OpenAiTenant } from './support/openai';

/** How an orchestrator on a starved machine runs: it gets a turn of 40 ms, and stands still for 360 ms. */
const TURN_MS = 40;
const STILL_MS = 360;
const TOKENS = 100;

describe('streams through an orchestrator', () => {
  let own: TestFleet;
  let tenant: OpenAiTenant;
  let pid: number;

  beforeAll(async () => {
    own = await startTestFleet('own');
    tenant = await newOpenAiTenant(new Client(own.fleet.gatewayUrls[0] as string), own.sandboxUrl);
    pid = own.fleet.processes.orchestrator[0]?.pid as number;
  });

  afterAll(() => own?.stop());

  /** Opens a stream; resolves to its tokens as they arrive. */
  async function* tokens(delay_ms: number): AsyncGenerator<string> {
    const content = `Go on [[tokens=${TOKENS} delay=${delay_ms}]]`;
    const messages = [{ role: 'user' as const, content }];
    const stream = await tenant.openai.chat.completions.create({ model: 'main/sandbox-1', messages, stream: true });
    for await (const { choices } of stream) if (choices[0]?.delta.content) yield choices[0].delta.content;
  }

  /** Reads one stream to its end; resolves to how many tokens arrived, or rejects with what ended it. */
  async function read(delay_ms: number): Promise<number> {
    let count = 0;
    for await (const token of tokens(delay_ms)) count += token ? 1 : 0;
    return count;
  }

  const readAll = (count: number, delay_ms: number) => Promise.all(Array.from({ length: count }, () => read(delay_ms)));

  /** Stops the orchestrator and lets it go on, again and again, until `over`. */
  async function stopAndGo(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      process.kill(pid, 'SIGSTOP');
      await delay(STILL_MS);
      process.kill(pid, 'SIGCONT');
      await delay(TURN_MS);
    }
  }

  it('that runs 40 ms and stands still for 360 ms, in turn, are slow and whole', async () => {
    const over = new AbortController();
    const stopping = stopAndGo(over.signal);
    try {
      expect(await readAll(20, 50)).toEqual(Array.from({ length: 20 }, () => TOKENS));
    } finally {
      over.abort();
      await stopping;
    }
  });

  it('beside processes that take all of the CPU are slow and whole', async () => {
    const hogs: ChildProcess[] = Array.from({ length: 4 }, () => spawn(process.execPath, ['-e', 'for (;;);']));
    try {
      expect(await readAll(100, 20)).toEqual(Array.from({ length: 100 }, () => TOKENS));
    } finally {
      for (const hog of hogs) hog.kill('SIGKILL');
    }
  });

  it('that is killed end with replica_lost', async () => {
    const stream = tokens(200);
    await stream.next();
    process.kill(pid, 'SIGKILL');
    const rest = async () => {
      while (!(await stream.next()).done);
    };
    await expect(rest()).rejects.toMatchObject({ code: 'replica_lost' });
  });
});
