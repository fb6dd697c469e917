import { ContextTokens } from '../crypto/context-token';
import type { Jwk } from '../config/variables';
import { Fernet } from '../crypto/fernet';
import { RpcClient } from './client/client';
import { contractOf, makeFernetKey } from './fleet.testing';

/** What a caller in a process of its own is told. */
export interface CallerOrder {
  service: string;
  redisUrl: string;
  jwk: Jwk;
}

/** Reads a stream for as long as it goes on, and says `ready` at its first output: a caller to be killed. */
const { service, redisUrl, jwk } = JSON.parse(process.env['FIXTURE_ORDER'] ?? '') as CallerOrder;
const tokens = new ContextTokens({ service: 'gateway', privateJwk: jwk, jwks: [jwk] });
const contract = contractOf(service);
const client = new RpcClient({
  service: 'gateway',
  redisUrl,
  tokens,
  fernet: new Fernet([makeFernetKey()]),
  contracts: [contract],
});
process.on('disconnect', () => process.exit(0));
for await (const { n } of client.for(contract).stream({})) if (n === 0) process.send?.('ready');
