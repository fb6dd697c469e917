import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';

const NAME = 'files';
const KEY = 'S3RVER';

/** A server that speaks as S3 does, over HTTP, with one empty bucket. */
export async function startBucket() {
  const directory = await mkdtemp(join(tmpdir(), 'task-assistant-s3-'));
  const server = new S3rver({ port: 0, silent: true, directory, configureBuckets: [{ name: NAME, configs: [] }] });
  const { port } = await server.run();
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    settings: {
      bucket: NAME,
      region: 'us-east-1',
      endpoint,
      credentials: { accessKeyId: KEY, secretAccessKey: KEY },
      path_style: true,
    },
    /** What services read of it. */
    env: {
      FILES_S3_BUCKET: NAME,
      FILES_S3_ENDPOINT: endpoint,
      FILES_S3_PATH_STYLE: 'true',
      FILES_S3_ACCESS_KEY_ID: KEY,
      FILES_S3_SECRET_ACCESS_KEY: KEY,
    },
    /** Of all objects that there are. */
    async keys(): Promise<string[]> {
      const listed = await (await fetch(`${endpoint}/${NAME}`)).text();
      return [...listed.matchAll(/<Key>([^<]*)</g)].map(([, key = '']) => key);
    },
    async close() {
      await server.close();
      await rm(directory, { recursive: true });
    },
  };
}

export type TestBucket = Awaited<ReturnType<typeof startBucket>>;
