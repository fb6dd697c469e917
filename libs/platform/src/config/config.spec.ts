import { makeFernetKey, makeJwk } from '../testing';
import { readProcessConfig } from './config';

const { env } = process;

afterEach(() => {
  process.env = env;
});

const needed = {
  CONTEXT_PRIVATE_JWK: JSON.stringify(makeJwk('task')),
  CONTEXT_JWKS: JSON.stringify({ keys: [makeJwk('task')] }),
  RPC_KEYS: makeFernetKey(),
};

it('has what is usual', () => {
  process.env = needed;
  expect(readProcessConfig('task')).toMatchObject({
    service: 'task',
    host: '127.0.0.1',
    managementPort: 3002,
    logLevel: 'info',
    rpc: { slots: 64, longSlots: 64, queue: 1000 },
  });
});

it('takes a service’s own number of long calls, and the operator’s before it', () => {
  process.env = needed;
  expect(readProcessConfig('orchestrator', 512).rpc.longSlots).toBe(512);
  process.env = { ...needed, RPC_LONG_SLOTS: '8' };
  expect(readProcessConfig('orchestrator', 512).rpc.longSlots).toBe(8);
});
