import { basename } from 'node:path';
import { launch, type ProcessSpec } from './processes.ts';

/**
 * Runs a program to its end, as one that stops with us.
 * @throws Error with the end of its log when it fails, or takes longer than `timeoutMs`.
 */
export async function execute(spec: ProcessSpec, timeoutMs: number): Promise<void> {
  const program = await launch(spec);
  let isLate = false;
  const late = setTimeout(() => {
    isLate = true;
    void program.stop();
  }, timeoutMs);
  const { code } = await program.exited.finally(() => clearTimeout(late));
  if (code === 0) return;
  const what = `${basename(spec.command)} ${isLate ? `took longer than ${timeoutMs / 1000} s` : 'failed'}`;
  throw new Error(`${what}\n${program.lastWords(8)}`.trimEnd());
}
