import { watch } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib/paths.ts';

/** An editor or a checkout writes several files, and one of them several times. */
const quietMs = 50;

/**
 * Calls `onChange` after files at or below these folders of the checkout changed: once for changes that come together, and never while
 * it is still at work on earlier ones. Returns how to end.
 */
export function watchFolders(folders: readonly string[], onChange: () => Promise<void>): () => void {
  let timer: NodeJS.Timeout | undefined;
  let work = Promise.resolve();
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      work = work.then(onChange);
    }, quietMs);
  };
  const watchers = folders.map((folder) => watch(join(root, folder), { recursive: true }, soon));
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
