import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { keys } from '../redis/keys';
import type { CallerOrder } from './caller.fixture';
import { gate, makeJwk, redisUrl, watchCommands, type TestService } from './fleet.testing';
import type { ReplicaOrder } from './replica.fixture';

const root = process.cwd();

const pathOf = (bundle: string) => `test/${bundle}-fixture`;

/** Builds a process for tests, under a name that no other specification uses. */
export async function bundleFixture(fixture: 'replica' | 'caller', bundle: string): Promise<void> {
  const entry = { in: `libs/platform/src/rpc/${fixture}.fixture.ts`, out: pathOf(bundle) };
  const code = `import('./scripts/build/bundle.ts').then(({ bundle }) => bundle([${JSON.stringify(entry)}]))`;
  await promisify(execFile)(process.execPath, ['-e', code], { cwd: root });
}

/** Resolves when the process says that it is ready. */
export async function startFixture(bundle: string, order: ReplicaOrder | CallerOrder): Promise<ChildProcess> {
  const child = fork(`${root}/dist/${pathOf(bundle)}.js`, {
    env: { ...process.env, FIXTURE_ORDER: JSON.stringify(order) },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  expect(await once(child, 'message')).toEqual(['ready', undefined]);
  return child;
}

export const replicaOrder = ({ name, jwks: [jwk = makeJwk('task')] }: TestService): ReplicaOrder => ({
  service: name,
  redisUrl: redisUrl(),
  jwk,
});

/** Without a chance to say goodbye. */
export async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Resolves when Redis is being watched; `told` when the caller has been told that so many of its calls are under way. */
export async function reportTo(caller: string, calls = 1): Promise<{ told: Promise<void> }> {
  const { promise, resolve } = gate();
  const ids = new Set<string>();
  const push = `"LPUSH" "${keys.rpcReplies(caller)}"`;
  const stop = await watchCommands((line) => {
    const [, frame = ''] = line.split(push);
    for (const [id] of frame.matchAll(/\d+\.\d+/g)) ids.add(id);
    if (ids.size >= calls) resolve();
  });
  return { told: promise.then(stop) };
}
