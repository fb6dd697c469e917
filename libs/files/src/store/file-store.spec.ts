import { createServer, type Server } from 'node:http';
import { ProblemError } from '@taai/contracts';
import { temporaryStore } from '../testing';
import { startBucket } from './bucket.testing';
import type { FileStore } from './file-store';
import { openS3Store, type S3Settings } from './s3-store';

interface TestStore {
  store: FileStore;
  /** How many objects there are, halves included. */
  count(): Promise<number>;
  close(): Promise<void>;
}

const ever = new AbortController().signal;

async function folder(): Promise<TestStore> {
  const { store, kept, drop } = await temporaryStore();
  return { store, count: async () => (await kept()).length, close: drop };
}

const settings = (port: number): S3Settings => ({
  bucket: 'files',
  region: 'us-east-1',
  endpoint: `http://127.0.0.1:${port}`,
  credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
  path_style: true,
});

async function bucket(): Promise<TestStore> {
  const started = await startBucket();
  return {
    store: await openS3Store(started.settings),
    count: async () => (await started.keys()).length,
    close: () => started.close(),
  };
}

async function* pieces(count: number, size: number): AsyncGenerator<Buffer> {
  for (let n = 0; n < count; n += 1) yield Buffer.alloc(size, n);
}

async function* broken(error: Error): AsyncGenerator<Buffer> {
  yield* pieces(100, 64 * 1024);
  throw error;
}

async function readAll(store: FileStore, key: string): Promise<Buffer | undefined> {
  const stream = await store.read(key, ever);
  return stream && Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>));
}

describe.each([
  ['a folder', folder],
  ['a bucket', bucket],
])('%s', (_, open) => {
  let test: TestStore;
  let store: FileStore;

  beforeEach(async () => {
    test = await open();
    ({ store } = test);
  });
  afterEach(() => test.close());

  it.each([
    ['a byte', 1, 1],
    ['13 MB, which S3 is sent in parts', 200, 65_536],
  ])('gives back what it was given: %s', async (_name, count, size) => {
    await store.write('t/f/u', pieces(count, size), ever);
    const expected = Buffer.concat(await Array.fromAsync(pieces(count, size)));
    expect((await readAll(store, 't/f/u'))?.equals(expected)).toBe(true);
    expect(await test.count()).toBe(1);
  });

  it('knows nothing of what it was not given', async () => {
    expect(await store.read('t/f/u', ever)).toBeUndefined();
    await expect(store.remove('t/f')).resolves.toBeUndefined();
  });

  it('has nothing of what broke off: it throws what the source did', async () => {
    const refusal = new ProblemError('unsupported_media_type');
    await expect(store.write('t/f/u', broken(refusal), ever)).rejects.toBe(refusal);
    expect(await store.read('t/f/u', ever)).toBeUndefined();
    expect(await test.count()).toBe(0);
  });

  it('has nothing of what was given up', async () => {
    const control = new AbortController();
    const reason = new ProblemError('cancelled');
    async function* endless() {
      for (;;) {
        yield* pieces(100, 65_536);
        control.abort(reason);
      }
    }
    await expect(store.write('t/f/u', endless(), control.signal)).rejects.toBe(reason);
    expect(await store.read('t/f/u', ever)).toBeUndefined();
    expect(await test.count()).toBe(0);
  });

  it('removes all of a file, and nothing else', async () => {
    for (const key of ['t/f/u', 't/f/v', 't/f2/u', 't2/f/u']) await store.write(key, pieces(1, 3), ever);
    await store.remove('t/f');
    expect(await store.read('t/f/u', ever)).toBeUndefined();
    expect(await test.count()).toBe(2);
    await store.remove('t2/f/u');
    expect([await readAll(store, 't/f2/u'), await store.read('t2/f/u', ever)]).toEqual([Buffer.alloc(3), undefined]);
  });
});

describe('a folder', () => {
  it.each(['../outside', 't/../../outside', '/etc/passwd', 't//u', '', '.hidden'])(
    'has no place for %j',
    async (key) => {
      const { store, drop } = await temporaryStore();
      await expect(store.write(key, pieces(1, 1), ever)).rejects.toThrow('malformed');
      await expect(store.read(key, ever)).rejects.toThrow('malformed');
      await expect(store.remove(key)).rejects.toThrow('malformed');
      await drop();
    },
  );
});

describe('a bucket that fails', () => {
  let server: Server;
  let store: FileStore;

  beforeAll(async () => {
    server = createServer((request, response) => {
      request.resume();
      response.writeHead(403, { 'content-type': 'application/xml' });
      response.end('<Error><Code>AccessDenied</Code><Message>secret of ours</Message></Error>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    store = await openS3Store(settings(typeof address === 'object' && address ? address.port : 0));
  });
  afterAll(() => server.close());

  it('is said to be away, without a word of its own', async () => {
    const away = { code: 'service_unavailable', message: 'The store of files does not answer.' };
    await expect(store.write('t/f/u', pieces(1, 1), ever)).rejects.toMatchObject(away);
    await expect(store.read('t/f/u', ever)).rejects.toMatchObject(away);
    await expect(store.remove('t/f')).rejects.toMatchObject(away);
  });
});
