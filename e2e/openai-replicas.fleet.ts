import { Client } from './support/client';
import { newOpenAiTenant, newMark, seenOf, type OpenAiTenant } from './support/openai';
import { startTestFleet, type TestFleet } from '../scripts/test/test-fleet';

const asks = (content: string) => [{ role: 'user' as const, content }];

describe('while an answer streams', () => {
  let own: TestFleet;
  let tenant: OpenAiTenant;

  beforeAll(async () => {
    own = await startTestFleet('own', { replicas: { orchestrator: 2 } });
    tenant = await newOpenAiTenant(new Client(own.fleet.gatewayUrls[0] as string), own.sandboxUrl);
  });

  afterAll(() => own?.stop());

  /** Begins a stream at a gateway of its own. */
  async function begin(mark: string, directives: string) {
    const gateway = await own.fleet.addReplica('gateway');
    const url = own.fleet.gatewayUrls.at(-1) as string;
    const messages = asks(`${mark} [[${directives}]]`);
    const stream = await tenant.at(url).chat.completions.create({ model: 'main/sandbox-1', messages, stream: true });
    return { gateway, stream };
  }

  it('a gateway that is stopped lets a short answer end', async () => {
    const mark = newMark();
    const { gateway, stream } = await begin(mark, 'tokens=50 delay=20');
    const reading = Array.fromAsync(stream);
    gateway.kill('SIGTERM');
    expect((await reading).at(-1)?.choices[0]?.finish_reason).toBe('stop');
    await gateway.exited;
    await seenOf(own.sandboxUrl, mark, (call) => expect(call.finished).toBe(true));
  });

  it('a gateway that is stopped ends a long one typed, and the provider is not paid on', async () => {
    const mark = newMark();
    const { gateway, stream } = await begin(mark, 'tokens=10000 delay=20');
    const reading = Array.fromAsync(stream).then(
      () => undefined,
      (error: unknown) => error,
    );
    gateway.kill('SIGTERM');
    expect(await reading).toMatchObject({ code: 'service_unavailable' });
    await gateway.exited;
    await seenOf(own.sandboxUrl, mark, (call) => expect(call.aborted).toBe(true));
  });

  it('a gateway that is killed leaves no socket to the provider open', async () => {
    const mark = newMark();
    const { gateway, stream } = await begin(mark, 'tokens=10000 delay=20');
    const reading = Array.fromAsync(stream).catch(() => undefined);
    gateway.kill('SIGKILL');
    await gateway.exited;
    const killed = performance.now();
    await reading;
    await seenOf(own.sandboxUrl, mark, (call) => expect(call.aborted).toBe(true));
    expect(performance.now() - killed).toBeLessThan(10_000);
  });

  it('an orchestrator that is stopped ends it typed', async () => {
    const mark = newMark();
    const { stream } = await begin(mark, 'tokens=10000 delay=20');
    const reading = Array.fromAsync(stream).then(
      () => undefined,
      (error: unknown) => error,
    );
    for (const replica of [...own.fleet.processes.orchestrator]) replica.kill('SIGTERM');
    await own.fleet.addReplica('orchestrator');
    expect(await reading).toMatchObject({ code: expect.stringMatching(/^(replica_lost|service_unavailable)$/) });
    await seenOf(own.sandboxUrl, mark, (call) => expect(call.aborted).toBe(true));
  });

  it('and each of them has one row in the ledger', async () => {
    const records = await tenant.records(4);
    expect(records.map(({ error_code }) => error_code)).toEqual([null, 'aborted', 'aborted', 'aborted']);
  });
});
