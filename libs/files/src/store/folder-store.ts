import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { FileStore } from './file-store';

/** Nothing that leads out of the folder, and nothing that is hidden in it. */
const KEY = /^[0-9a-z-]+(\/[0-9a-z-]+)*$/;

/** A folder, which all replicas must share. A file is written beside its place, and moved there when it is whole. */
export class FolderStore implements FileStore {
  constructor(private readonly folder: string) {}

  async write(key: string, bytes: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
    const path = this.pathOf(key);
    const part = `${path}.part`;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    try {
      const handle = await open(part, 'wx', 0o600);
      await writeAll(handle, bytes, signal).finally(() => handle.close());
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }

  async read(key: string, signal: AbortSignal): Promise<Readable | undefined> {
    try {
      return (await open(this.pathOf(key))).createReadStream({ signal });
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async remove(key: string): Promise<void> {
    const path = this.pathOf(key);
    for (const name of [path, `${path}.part`]) await rm(name, { recursive: true, force: true });
  }

  private pathOf(key: string): string {
    if (!KEY.test(key)) throw new Error('The key of a stored file is malformed.');
    return join(this.folder, key);
  }
}

/** What was written is on the disk when this resolves: the row that says so must not outlive it. */
async function writeAll(handle: FileHandle, bytes: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    await handle.writeFile(chunk);
  }
  signal.throwIfAborted();
  await handle.sync();
}

const isAbsent = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
