export * from './inspection/samples.testing';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderStore } from './store/folder-store';

/** A store in a folder of its own. */
export async function temporaryStore() {
  const folder = await mkdtemp(join(tmpdir(), 'task-assistant-files-'));
  return {
    folder,
    store: new FolderStore(folder),
    /** Paths of all that is kept, parts included. */
    kept: async (): Promise<string[]> => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map(({ name, parentPath }) => join(parentPath, name));
    },
    drop: () => rm(folder, { recursive: true, force: true }),
  };
}
