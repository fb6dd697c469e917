import { credentialSecretContract, webhookSecretContract, type SecretKeys, type SecretRef } from '@taai/contracts';
import type { Client, RpcClient } from '@taai/platform';
import { runAs } from '@taai/tenant';
import { NIL } from 'uuid';
import type { Command } from './command';

type Print = (line: string) => void;
type Secrets = Client<typeof credentialSecretContract>;

/** The commands for secrets, by noun and verb. */
export const secretCommands: Record<string, Command> = {
  'secrets status': {
    takes: [],
    summary: 'Which encryption keys stored secrets need',
    run: ({ onFleet, print }) => onFleet((rpc) => secretsStatus(rpc, print)),
  },
  'secrets reencrypt': {
    takes: [],
    summary: 'Encrypt every stored secret with the newest key, while the fleet is at work',
    run: ({ onFleet, print }) => onFleet((rpc) => reencryptSecrets(rpc, print)),
  },
};

const stores = [
  { what: 'provider and tool credentials', contract: credentialSecretContract },
  { what: 'webhook secrets', contract: webhookSecretContract },
];

/** `secrets status`: prints which encryption keys are in use. The exit code is 0 when each service uses its newest alone. */
export const secretsStatus = (rpc: RpcClient, print: Print): Promise<number> =>
  overStores(rpc, async (what, secrets) => {
    const keys = await secrets.keys({});
    print(`${what}: newest key ${keys.newest}, in use: ${inUse(keys).join(', ') || 'none'}`);
    return isRotated(keys);
  });

/**
 * `secrets reencrypt`: encrypts every stored secret with the newest key, while the fleet is at work, and prints how far it is.
 * It can be broken off and repeated. The exit code is 0 when the other keys are not needed any more.
 */
export const reencryptSecrets = (rpc: RpcClient, print: Print): Promise<number> =>
  overStores(rpc, async (what, secrets) => {
    await reencryptAll(secrets, (line) => print(`${what}: ${line}`));
    const keys = await secrets.keys({});
    print(`${what}: ${verdict(keys)}`);
    return isRotated(keys);
  });

async function overStores(rpc: RpcClient, work: (what: string, secrets: Secrets) => Promise<boolean>): Promise<number> {
  // The operator's work is done for no tenant.
  return runAs({ tenant_id: NIL, permissions: [], issuer: 'auth' }, async () => {
    const outcomes: boolean[] = [];
    for (const { what, contract } of stores) outcomes.push(await work(what, rpc.for(contract)));
    return outcomes.every(Boolean) ? 0 : 1;
  });
}

async function reencryptAll(secrets: Secrets, print: Print): Promise<void> {
  let [reencrypted, failed] = [0, 0];
  let after: SecretRef | null = null;
  do {
    const batch = await secrets.reencrypt(after ? { after } : {});
    reencrypted += batch.reencrypted;
    failed += batch.failed;
    after = batch.last;
    if (after) print(`${reencrypted} re-encrypted, ${failed} cannot be opened, ${batch.remaining} left`);
  } while (after);
}

const inUse = ({ in_use, unrecorded }: SecretKeys) => [...in_use, ...(unrecorded ? ['unrecorded'] : [])];

const older = (keys: SecretKeys) => inUse(keys).filter((key) => key !== keys.newest);

const isRotated = (keys: SecretKeys) => older(keys).length === 0;

function verdict(keys: SecretKeys): string {
  if (isRotated(keys)) return `done: no other key than ${keys.newest} is needed any more`;
  return `not done: still encrypted with ${older(keys).join(', ')}. Keep these keys, see the service's log, and repeat`;
}
