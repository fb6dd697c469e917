import { stopAll } from './processes.ts';
import { describeError, UserError } from './user-error.ts';

type Stop = () => Promise<unknown>;

/** What a command has to undo when it ends, however it ends. */
export class Scope {
  /** The exit code when a signal ends the command. */
  interruptedCode = 130;
  private readonly stops: Stop[] = [];
  private closed = false;

  /** `stop` is called when the command ends, the latest first; at once when it has ended already. */
  async defer(stop: Stop): Promise<void> {
    this.stops.push(stop);
    if (!this.closed) return;
    await this.close();
    throw new UserError('Interrupted.');
  }

  async close(): Promise<void> {
    this.closed = true;
    for (let stop = this.stops.pop(); stop; stop = this.stops.pop()) {
      await stop().catch((error: unknown) => console.error(describeError(error)));
    }
    await stopAll();
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a command and ends this process with the code that it gives, or 1 when it throws.
 * Whether it returns, throws, crashes or is interrupted: everything it started is stopped first.
 */
export async function run(command: (scope: Scope) => Promise<number>): Promise<void> {
  const scope = new Scope();
  let ending: Promise<void> | undefined;
  const end = (code: number) => (ending ??= scope.close().then(() => process.exit(code)));
  const fail = (error: unknown) => {
    if (!ending) console.error(`\n${describeError(error)}`);
    void end(1);
  };
  const interrupt = () => {
    if (!ending) console.log('\nStopping …');
    void end(scope.interruptedCode);
  };
  for (const signal of signals) process.on(signal, interrupt);
  process.on('disconnect', () => void end(1));
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  await command(scope).then(end, fail);
}
