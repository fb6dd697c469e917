import { Readable } from 'node:stream';
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { unavailableBy } from '@taai/contracts';
import type { FileStore } from './file-store';

/** The least that S3 takes for a part, and all that is held of an upload. */
const PART_BYTES = 5 * 1024 * 1024;
const CONNECT_MS = 5000;
/** Of silence. */
const ANSWER_MS = 30_000;

export interface S3Settings {
  bucket: string;
  region: string;
  /** Absent: AWS's own. */
  endpoint?: string;
  /** Absent: those of the surroundings, such as a role of the machine. */
  credentials?: { accessKeyId: string; secretAccessKey: string };
  /** Whether the bucket is part of the path, as most others than AWS have it. */
  path_style: boolean;
}

/** The SDK takes megabytes: it is loaded where there is a bucket alone. */
async function loadSdk() {
  const [s3, { Upload }] = await Promise.all([import('@aws-sdk/client-s3'), import('@aws-sdk/lib-storage')]);
  return { ...s3, Upload };
}

type Sdk = Awaited<ReturnType<typeof loadSdk>>;

export const openS3Store = async (settings: S3Settings): Promise<FileStore> => new S3Store(await loadSdk(), settings);

/** A bucket of S3, or of whatever speaks as S3 does. */
class S3Store implements FileStore {
  private readonly client: S3Client;
  private readonly bucket: string;

  constructor(
    private readonly sdk: Sdk,
    { bucket, path_style, ...settings }: S3Settings,
  ) {
    this.bucket = bucket;
    const config: S3ClientConfig = {
      ...settings,
      forcePathStyle: path_style,
      maxAttempts: 3,
      // Other makers' stores do not know the checksums that AWS's own takes.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: ANSWER_MS },
    };
    this.client = new sdk.S3Client(config);
  }

  async write(key: string, bytes: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
    const abortController = new AbortController();
    const abort = () => abortController.abort();
    signal.addEventListener('abort', abort);
    let failure: unknown;
    const Body = Readable.from(
      noting(bytes, (error) => (failure = error)),
      { objectMode: false },
    );
    const params = { Bucket: this.bucket, Key: key, Body, ContentType: 'application/octet-stream' };
    try {
      signal.throwIfAborted();
      await new this.sdk.Upload({
        client: this.client,
        params,
        queueSize: 1,
        partSize: PART_BYTES,
        abortController,
      }).done();
    } catch (error) {
      throw failure ?? explained(error, signal);
    } finally {
      signal.removeEventListener('abort', abort);
      Body.destroy();
    }
  }

  async read(key: string, signal: AbortSignal): Promise<Readable | undefined> {
    try {
      const command = new this.sdk.GetObjectCommand({ Bucket: this.bucket, Key: key });
      const { Body } = await this.client.send(command, { abortSignal: signal });
      if (!(Body instanceof Readable)) throw new Error('S3 answered without a body.');
      return Body;
    } catch (error) {
      if (error instanceof this.sdk.NoSuchKey) return undefined;
      throw explained(error, signal);
    }
  }

  async remove(key: string): Promise<void> {
    try {
      for (const Key of [key, ...(await this.list(`${key}/`))])
        await this.client.send(new this.sdk.DeleteObjectCommand({ Bucket: this.bucket, Key }));
    } catch (error) {
      throw explained(error);
    }
  }

  /** The first thousand keys: of a file there are a few. */
  private async list(prefix: string): Promise<string[]> {
    const command = new this.sdk.ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix });
    const { Contents = [] } = await this.client.send(command);
    return Contents.flatMap(({ Key }) => Key ?? []);
  }
}

/** The SDK does not pass on what its source throws. */
async function* noting(bytes: AsyncIterable<Buffer>, note: (error: unknown) => void): AsyncGenerator<Buffer> {
  try {
    yield* bytes;
  } catch (error) {
    note(error);
    throw error;
  }
}

function explained(error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  return unavailableBy(error, 'The store of files does not answer.');
}
