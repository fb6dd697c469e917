import type { NewMessages } from '@taai/contracts';

interface Waiting {
  /** The last id that the reader knows of, a message's or a run's. */
  after: string;
  wake: () => void;
}

/** The end of one conversation, for all its readers in this process: those who ask for the same messages are answered together. */
export class ConversationTail {
  readers = 0;
  unlisten: () => void = () => undefined;
  private told = 0;
  private readonly waiting = new Set<Waiting>();
  private readonly asking = new Map<string, Promise<NewMessages>>();

  constructor(
    readonly conversation_id: string,
    readonly tenant_id: string,
    private readonly ask: (after: string) => Promise<NewMessages>,
  ) {}

  /** How often there was word of new messages until now: what `wait` goes on from. */
  get words(): number {
    return this.told;
  }

  /** There is word of new messages. */
  tell(): void {
    this.told += 1;
    for (const { wake } of [...this.waiting]) wake();
  }

  /** Whether a reader waits who does not know of it. */
  isBehind(newest: string | undefined): boolean {
    return newest !== undefined && [...this.waiting].some(({ after }) => after < newest);
  }

  /** The messages after `after`. A question that was asked before the last word is not shared: its answer may be older. */
  after(after: string): Promise<NewMessages> {
    const key = `${after} ${this.told}`;
    const asked = this.asking.get(key) ?? this.ask(after).finally(() => this.asking.delete(key));
    this.asking.set(key, asked);
    return asked;
  }

  /** Waits for a word after the first `words`, or for the signal. */
  async wait(words: number, after: string, signal: AbortSignal): Promise<void> {
    if (this.told > words || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const entry = {
        after,
        wake: () => {
          this.waiting.delete(entry);
          signal.removeEventListener('abort', entry.wake);
          resolve();
        },
      };
      this.waiting.add(entry);
      signal.addEventListener('abort', entry.wake);
    });
  }
}
