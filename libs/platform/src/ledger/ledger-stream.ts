import { setTimeout as delay } from 'node:timers/promises';
import { ProblemError, type CallOutcome, type LedgerEntry, type OpenCall } from '@taai/contracts';
import { currentCaller } from '@taai/tenant';
import type { Result } from 'ioredis';
import { keys } from '../redis/keys';
import { log } from '../observability/logger';
import { messageOf, type RedisClient } from '../redis/redis';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    appendLedger(stream: string, bound: number, ...args: (string | number)[]): Result<number[], Context>;
  }
}

// ARGV: bound, then of each entry whether it must be taken (1), and its body. Appends entries in their order, and returns 1 for each that
// there was room for, else 0.
const appendLedger = `
local size = redis.call('XLEN', KEYS[1])
local taken = {}
for i = 2, #ARGV, 2 do
  if ARGV[i] == '1' or size < tonumber(ARGV[1]) then
    redis.call('XADD', KEYS[1], '*', 'entry', ARGV[i + 1])
    size = size + 1
    taken[#taken + 1] = 1
  else
    taken[#taken + 1] = 0
  end
end
return taken
`;

/** Entries of one command. */
const MAX_ENTRIES = 500;
const RETRY_MS = 250;

export interface LedgerStreamOptions {
  /** Entries that may wait for the writer before calls are refused: some 70 MB. Default 100,000. */
  max_waiting?: number;
  /** How long an outcome is offered to a Redis that does not take it. Default 10,000. */
  close_ms?: number;
}

interface Waiting {
  /** An outcome: the ledger took its call in, so it cannot be refused. */
  must: boolean;
  body: string;
  resolve: () => void;
  reject: (problem: ProblemError) => void;
}

/**
 * Sends provider calls that are no part of a run to the ledger: into a bounded stream, which the usage service writes to the database in
 * batches. Entries of one tick of the event loop go out in one command.
 */
export class LedgerStream {
  private waiting: Waiting[] = [];

  /** @param redis For commands; it may be shared. */
  constructor(
    private readonly redis: RedisClient,
    private readonly options: LedgerStreamOptions = {},
  ) {
    if (!Object.hasOwn(redis, 'appendLedger'))
      redis.defineCommand('appendLedger', { numberOfKeys: 1, lua: appendLedger });
  }

  /**
   * Resolves when Redis has it; only then may the call be made, of the caller's tenant.
   *
   * @throws ProblemError `overloaded` when the writer is too far behind, `service_unavailable` when Redis does not answer
   */
  async open(call: OpenCall): Promise<void> {
    await this.append({ tenant_id: currentCaller().tenant_id, call, outcome: null }, false);
  }

  /**
   * Tells what became of an opened call; what is said twice counts once. Nobody has to wait for it.
   *
   * @throws ProblemError `service_unavailable` when Redis did not take it for 10 s: the call ends as an estimate
   */
  async close(call: OpenCall, outcome: CallOutcome): Promise<void> {
    const entry = { tenant_id: currentCaller().tenant_id, call, outcome };
    const deadline = Date.now() + (this.options.close_ms ?? 10_000);
    for (;;) {
      try {
        return await this.append(entry, true);
      } catch (error) {
        if (Date.now() + RETRY_MS > deadline) throw error;
        await delay(RETRY_MS);
      }
    }
  }

  private append(entry: LedgerEntry, must: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.waiting.length === 0) setImmediate(() => this.flush());
      this.waiting.push({ must, body: JSON.stringify(entry), resolve, reject });
    });
  }

  private flush(): void {
    const { waiting } = this;
    this.waiting = [];
    for (let start = 0; start < waiting.length; start += MAX_ENTRIES) {
      void this.send(waiting.slice(start, start + MAX_ENTRIES));
    }
  }

  private async send(entries: Waiting[]): Promise<void> {
    const args = entries.flatMap(({ must, body }) => [must ? 1 : 0, body]);
    try {
      const taken = await this.redis.appendLedger(keys.ledger(), this.options.max_waiting ?? 100_000, ...args);
      entries.forEach(({ resolve, reject }, index) => (taken[index] === 1 ? resolve() : reject(overloaded())));
    } catch (error) {
      log.warn({ reason: messageOf(error), entries: entries.length }, 'redis took no entries of the ledger');
      for (const { reject } of entries) reject(new ProblemError('service_unavailable'));
    }
  }
}

const overloaded = () =>
  new ProblemError('overloaded', 'The ledger is behind: no further calls are made until it has caught up.', {
    retry_after: 5,
  });
