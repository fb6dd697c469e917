import { setTimeout as sleep } from 'node:timers/promises';
import { ContextTokens } from '../crypto/context-token';
import type { Jwk } from '../config/variables';
import { Fernet } from '../crypto/fernet';
import { addHandlers, contractOf, makeFernetKey } from './fleet.testing';
import { RpcServer } from './server/server';

/** What a replica in a process of its own is told. */
export interface ReplicaOrder {
  service: string;
  redisUrl: string;
  jwk: Jwk;
}

async function* count() {
  for (let n = 0; ; n++) {
    yield { n };
    await sleep(1);
  }
}

/** Says `ready`, takes requests, and brings none to an end: a replica to be killed in the middle of its work. */
const { service, redisUrl, jwk } = JSON.parse(process.env['FIXTURE_ORDER'] ?? '') as ReplicaOrder;
const tokens = new ContextTokens({ service: 'task', privateJwk: jwk, jwks: [jwk] });
const contract = contractOf(service);
const server = new RpcServer({ service: contract.service, redisUrl, tokens, fernet: new Fernet([makeFernetKey()]) });
const work = () => new Promise(() => undefined);
addHandlers(server, contract, { read: work, write: work, create: work, put: work, stream: count });
server.listen((error) => process.send?.(error ? 'failed' : 'ready'));
process.on('disconnect', () => process.exit(0));
