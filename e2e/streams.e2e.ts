import { allEvents, readEvents, type StreamEvent } from './support/events';
import { eventually } from './support/eventually';
import { sandboxCall } from './support/sandbox';
import { sharedFleet } from './support/shared-fleet';
import { newAgent, newTenant, type TestTenant } from './support/tenant';

const { anonymous, gateways, sandboxUrl } = sharedFleet();

describe('a stream', () => {
  let tenant: TestTenant;
  let agent: string;

  beforeAll(async () => {
    tenant = await newTenant(anonymous);
    agent = await newAgent(tenant, sandboxUrl);
  });

  const start = (input: string, signal?: AbortSignal) =>
    tenant.client.fetch('POST', `/v1/agents/${agent}/runs`, {
      body: { input, stream: true },
      ...(signal && { signal }),
    });

  const recordsOf = async (runId: string) =>
    (await tenant.client.get(`/v1/usage/records?run_id=${runId}`)).body['data'] as Record<string, unknown>[];

  /** Reads until `enough` events came, then cuts the connection. */
  async function readSome(input: string, enough: number): Promise<StreamEvent[]> {
    const cut = new AbortController();
    const events: StreamEvent[] = [];
    for await (const event of readEvents(await start(input, cut.signal))) {
      events.push(event);
      if (events.length === enough) break;
    }
    cut.abort();
    return events;
  }

  it('that was cut goes on at another gateway, equal to the uncut one', async () => {
    const seen = await readSome('cut me [[tokens=60 delay=15]]', 10);
    const runId = seen[0]?.data['run_id'] as string;
    const second = tenant.client.at(gateways[1]);
    const path = `/v1/runs/${runId}/events`;
    const rest = await allEvents(
      await second.fetch('GET', path, { headers: { 'last-event-id': String(seen.at(-1)?.id) } }),
    );
    const uncut = await allEvents(await tenant.client.fetch('GET', path));

    expect([...seen, ...rest]).toEqual(uncut);
    expect(uncut.map(({ id }) => id)).toEqual(uncut.map((_, index) => index + 1));
    expect(uncut.at(-1)?.type).toBe('run.completed');
    for (const after of [1, Math.floor(uncut.length / 2), uncut.length - 1]) {
      const tail = await allEvents(await second.fetch('GET', path, { headers: { 'last-event-id': String(after) } }));
      expect(tail).toEqual(uncut.slice(after));
    }
  });

  it('whose reader went away lets the run end, and leaves one ledger row', async () => {
    const seen = await readSome('leave me [[tokens=40 delay=15]]', 5);
    const runId = seen[0]?.data['run_id'] as string;
    await eventually(async () => {
      expect((await tenant.client.get(`/v1/runs/${runId}`)).body['status']).toBe('completed');
    });
    expect((await sandboxCall(sandboxUrl, 'leave me')).finished).toBe(true);
    expect(await recordsOf(runId)).toMatchObject([{ status: 'closed', is_estimated: false, output_tokens: 40 }]);
  });

  it('of a run that is cancelled ends, closes the socket to the provider, and leaves one ledger row', async () => {
    const events: StreamEvent[] = [];
    for await (const event of readEvents(await start('cancel me [[tokens=2000 delay=20]]'))) {
      events.push(event);
      if (events.length === 6) {
        const cancelled = await tenant.client.post(`/v1/runs/${events[0]?.data['run_id']}/cancel`);
        expect(cancelled.status).toBe(200);
      }
    }
    const runId = events[0]?.data['run_id'] as string;
    expect(events.at(-1)?.type).toBe('run.cancelled');
    await eventually(async () => {
      expect(await sandboxCall(sandboxUrl, 'cancel me')).toMatchObject({ aborted: true, finished: false });
    });
    const run = await tenant.client.get(`/v1/runs/${runId}`);
    expect(run.body['status']).toBe('cancelled');
    const [record, ...more] = await recordsOf(runId);
    expect(more).toEqual([]);
    expect(record).toMatchObject({ is_estimated: true });
    expect(record?.['output_tokens']).toBeGreaterThan(0);
    expect((await tenant.client.post(`/v1/runs/${runId}/cancel`)).body['status']).toBe('cancelled');
  });

  it.each([
    ['fails at once', '[[fail=500]]', 'unavailable', 3],
    ['is over its limit', '[[fail=429 retry_after=1]]', 'rate_limited', 3],
    ['cuts the stream', '[[tokens=30 delay=5 cut=5]]', 'unavailable', 1],
  ])(
    'of a provider that %s ends with a typed error and a ledger row per attempt',
    async (_, directive, code, calls) => {
      const events = await allEvents(await start(`break ${directive}`));
      expect(events.at(-1)).toMatchObject({ type: 'run.failed', data: { code } });
      const runId = events[0]?.data['run_id'] as string;
      expect((await tenant.client.get(`/v1/runs/${runId}`)).body).toMatchObject({ status: 'failed', error_code: code });
      expect(await recordsOf(runId)).toMatchObject(Array.from({ length: calls }, () => ({ error_code: code })));
    },
  );

  it("of another tenant's run is not there", async () => {
    const seen = await readSome('mine', 1);
    const other = await newTenant(anonymous);
    const answer = await other.client.get(`/v1/runs/${seen[0]?.data['run_id']}/events`);
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  it('refuses a Last-Event-ID that is none', async () => {
    const seen = await readSome('mine', 1);
    const answer = await tenant.client.get(`/v1/runs/${seen[0]?.data['run_id']}/events`, {
      headers: { 'last-event-id': 'x' },
    });
    expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed', errors: [{ path: 'after' }] } });
  });
});
