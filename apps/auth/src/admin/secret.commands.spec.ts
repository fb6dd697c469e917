import type { BoundMethod, ReencryptedSecrets, SecretKeys, SecretRef } from '@taai/contracts';
import { ContextTokens, Fernet, RpcClient } from '@taai/platform';
import { makeFernetKey, makeJwk } from '@taai/platform-testing';
import { currentCaller } from '@taai/tenant';
import { reencryptSecrets, secretsStatus } from './secret.commands';

const jwk = makeJwk('auth');
const last: SecretRef = { tenant_id: 'tenant', id: 'row' };

/** Services that answer as they are told, in turn. */
class Fleet extends RpcClient {
  readonly calls: [rpc: string, input: object, issuer: string][] = [];

  constructor(private readonly answers: Record<string, unknown[]>) {
    const tokens = new ContextTokens({ service: 'auth', privateJwk: jwk, jwks: [jwk] });
    super({ service: 'auth', redisUrl: 'redis://127.0.0.1:1', tokens, fernet: new Fernet([makeFernetKey()]) });
  }

  override async call({ rpc }: BoundMethod, input: object): Promise<unknown> {
    this.calls.push([rpc, input, currentCaller().issuer]);
    const answer = this.answers[rpc]?.shift();
    if (answer === undefined) throw new Error(`Nobody answers ${rpc}.`);
    return answer;
  }
}

const keys = (in_use: string[], unrecorded = false): SecretKeys => ({ newest: 'bbbb', in_use, unrecorded });
const batch = (reencrypted: number, failed: number, remaining: number): ReencryptedSecrets => ({
  reencrypted,
  failed,
  remaining,
  last,
});
const end = { ...batch(0, 0, 0), last: null };

async function run(command: typeof secretsStatus, answers: Record<string, unknown[]>) {
  const fleet = new Fleet(answers);
  const lines: string[] = [];
  const code = await command(fleet, (line) => lines.push(line));
  return { code, lines, calls: fleet.calls };
}

describe('secrets status', () => {
  it('names the keys in use, and is content when they are the newest alone', async () => {
    const { code, lines, calls } = await run(secretsStatus, {
      'orchestrator.secret.keys': [keys(['bbbb'])],
      'webhook.secret.keys': [keys([])],
    });
    expect(code).toBe(0);
    expect(lines).toEqual([
      'provider and tool credentials: newest key bbbb, in use: bbbb',
      'webhook secrets: newest key bbbb, in use: none',
    ]);
    expect(calls.map(([, , issuer]) => issuer)).toEqual(['auth', 'auth']);
  });

  it.each([
    ['an older key', keys(['aaaa', 'bbbb']), 'aaaa, bbbb'],
    ['rows that do not say their key', keys(['bbbb'], true), 'bbbb, unrecorded'],
  ])('is not content with %s', async (_, webhook, shown) => {
    const { code, lines } = await run(secretsStatus, {
      'orchestrator.secret.keys': [keys(['bbbb'])],
      'webhook.secret.keys': [webhook],
    });
    expect(code).toBe(1);
    expect(lines[1]).toBe(`webhook secrets: newest key bbbb, in use: ${shown}`);
  });
});

describe('secrets reencrypt', () => {
  it('asks for batch after batch, each behind the one before, and says how far it is', async () => {
    const { code, lines, calls } = await run(reencryptSecrets, {
      'orchestrator.secret.reencrypt': [batch(2, 0, 1), batch(1, 0, 0), end],
      'orchestrator.secret.keys': [keys(['bbbb'])],
      'webhook.secret.reencrypt': [end],
      'webhook.secret.keys': [keys(['bbbb'])],
    });
    expect(code).toBe(0);
    expect(calls.filter(([rpc]) => rpc === 'orchestrator.secret.reencrypt').map(([, input]) => input)).toEqual([
      {},
      { after: last },
      { after: last },
    ]);
    expect(lines).toEqual([
      'provider and tool credentials: 2 re-encrypted, 0 cannot be opened, 1 left',
      'provider and tool credentials: 3 re-encrypted, 0 cannot be opened, 0 left',
      'provider and tool credentials: done: no other key than bbbb is needed any more',
      'webhook secrets: done: no other key than bbbb is needed any more',
    ]);
  });

  it('ends, and fails, when rows cannot be opened', async () => {
    const { code, lines } = await run(reencryptSecrets, {
      'orchestrator.secret.reencrypt': [batch(1, 1, 0), end],
      'orchestrator.secret.keys': [keys(['aaaa', 'bbbb'])],
      'webhook.secret.reencrypt': [end],
      'webhook.secret.keys': [keys(['bbbb'])],
    });
    expect(code).toBe(1);
    expect(lines).toContain(
      "provider and tool credentials: not done: still encrypted with aaaa. Keep these keys, see the service's log, and repeat",
    );
  });

  it('fails with the error of a service that does not answer', async () => {
    await expect(run(reencryptSecrets, {})).rejects.toThrow('Nobody answers orchestrator.secret.reencrypt.');
  });
});
