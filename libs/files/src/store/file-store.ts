import type { Readable } from 'node:stream';
import type { FilePlace } from '@taai/contracts';

/** Where the bytes of files are kept, under keys like paths. Nothing is held in memory as a whole. */
export interface FileStore {
  /**
   * Keeps all that `bytes` yields under the key, which is nobody else's. Nothing is there until all is.
   *
   * @throws what `bytes` throws, and the signal's reason; `service_unavailable` when the store does not answer
   */
  write(key: string, bytes: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void>;

  /** Undefined when there is nothing. The stream ends with the signal. */
  read(key: string, signal: AbortSignal): Promise<Readable | undefined>;

  /** Removes everything whose key is this or begins with it and a slash; what is not there, is none the less gone. */
  remove(key: string): Promise<void>;
}

/** The part of the key that a file's uploads have in common: no more than one of them comes to its end. */
export const keyOfFile = (tenant_id: string, file_id: string): string => `${tenant_id}/${file_id}`;

/** The key of an upload's bytes. */
export const keyOfUpload = (tenant_id: string, { file_id, stored_as }: Pick<FilePlace, 'file_id' | 'stored_as'>) =>
  `${keyOfFile(tenant_id, file_id)}/${stored_as}`;
