import { createContext, Script } from 'node:vm';

const sandbox: { work?: () => void } = {};
const context = createContext(sandbox);
const script = new Script('work()');

export class TimeLimitExceeded extends Error {
  override readonly name = 'TimeLimitExceeded';
}

/**
 * Runs what does not wait for anything, and interrupts it after `ms`: schemas and patterns that strangers wrote can keep a thread busy
 * for ever. Throws TimeLimitExceeded, or what `work` throws.
 */
export function withinTime<T>(ms: number, work: () => T): T {
  const results: T[] = [];
  sandbox.work = () => void results.push(work());
  try {
    script.runInContext(context, { timeout: ms });
  } catch (error) {
    throw isTimeout(error) ? new TimeLimitExceeded(`It took longer than ${ms} ms.`) : error;
  } finally {
    delete sandbox.work;
  }
  const [result] = results;
  return result as T;
}

const isTimeout = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
