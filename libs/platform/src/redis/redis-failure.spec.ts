import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createRedis, whenReady, type RedisClient } from './redis';
import { withFailuresExplained } from './redis-failure';

const closers: (() => unknown)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

/** A server that answers what a connection begins with, and everything else as it is told. */
async function serverThat(answers: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.on('data', (bytes) => {
      for (const [, name] of bytes.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)) {
        if (/^(info|client)$/i.test(name ?? '')) socket.write('$2\r\nok\r\n');
        else answers(socket);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    sockets.forEach((socket) => socket.destroy());
  });
  return (server.address() as AddressInfo).port;
}

function connect(port: number): RedisClient {
  const connection = { role: 'commands', connectionName: 'spec' } as const;
  const redis = withFailuresExplained(createRedis(`redis://127.0.0.1:${port}`, connection));
  closers.push(() => redis.disconnect());
  return redis;
}

async function failureOf(answers: (socket: Socket) => void, ask: (redis: RedisClient) => Promise<unknown>) {
  const redis = connect(await serverThat(answers));
  await whenReady(redis);
  return ask(redis).catch((error: unknown) => error);
}

const get = (redis: RedisClient) => redis.get('key');
const script = (redis: RedisClient) => redis.eval('return 1', 0);

describe('a Redis that cannot serve now', () => {
  it.each([
    'LOADING Redis is loading the dataset in memory',
    "OOM command not allowed when used memory > 'maxmemory'.",
    "READONLY You can't write against a read only replica.",
    'MASTERDOWN Link with MASTER is down',
    'CLUSTERDOWN The cluster is down',
    'MISCONF Redis is configured to save RDB snapshots',
    'BUSY Redis is busy running a script.',
  ])('is unavailable: %s', async (refusal) => {
    const expected = { code: 'service_unavailable', cause: { message: refusal } };
    expect(await failureOf((socket) => socket.write(`-${refusal}\r\n`), get)).toMatchObject(expected);
    expect(await failureOf((socket) => socket.write(`-${refusal}\r\n`), script)).toMatchObject(expected);
  });

  it('is unavailable when it hangs up', async () => {
    expect(await failureOf((socket) => socket.destroy(), get)).toMatchObject({ code: 'service_unavailable' });
  });

  it('is unavailable while there is no connection, and when there will be none', async () => {
    const redis = connect(1);
    await expect(redis.get('key')).rejects.toMatchObject({ code: 'service_unavailable' });
    redis.disconnect();
    await expect(redis.get('key')).rejects.toMatchObject({ code: 'service_unavailable' });
  });
});

it.each(['WRONGTYPE Operation against a key', 'ERR unknown command', 'BUSYGROUP Consumer Group name already exists'])(
  'a refusal that would repeat itself is told as it is: %s',
  async (refusal) => {
    expect(await failureOf((socket) => socket.write(`-${refusal}\r\n`), get)).toMatchObject({
      name: 'ReplyError',
      message: refusal,
    });
  },
);
