import type { CallOutcome, OpenCall } from '@taai/contracts';
import { runAs } from '@taai/tenant';
import { v7 } from 'uuid';
import { createRedis, type RedisClient } from '../redis/redis';
import { LedgerStream } from './ledger-stream';

const call: OpenCall = { call_id: v7(), kind: 'chat', provider_id: null, provider_kind: 'openai', model: 'm' };
const outcome: CallOutcome = {
  status: 'closed',
  is_estimated: false,
  error_code: null,
  latency_ms: 1,
  input_tokens: 1,
  output_tokens: 1,
  cache_read_tokens: null,
  cache_write_tokens: null,
  reasoning_tokens: null,
};

describe('without Redis', () => {
  let redis: RedisClient;
  beforeEach(() => {
    // Nobody listens on the port of tcpmux.
    redis = createRedis('redis://127.0.0.1:1', { role: 'commands', connectionName: 'spec' });
  });
  afterEach(() => redis.disconnect());

  const as = <T>(work: () => T): T => runAs({ tenant_id: v7(), permissions: [], issuer: 'orchestrator' }, work);

  test('no call is opened', async () => {
    const ledger = new LedgerStream(redis);
    await expect(as(() => ledger.open(call))).rejects.toMatchObject({ code: 'service_unavailable' });
  });

  test('an outcome is offered again, and given up in the end', async () => {
    const ledger = new LedgerStream(redis, { close_ms: 2000 });
    const offered = jest.spyOn(redis, 'appendLedger');
    await expect(as(() => ledger.close(call, outcome))).rejects.toMatchObject({ code: 'service_unavailable' });
    expect(offered.mock.calls.length).toBeGreaterThan(1);
  });
});
