import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** Vocabularies take 10 to 120 MB: they are held while they are used. */
const IDLE_MS = 60_000;
/** Loading one takes up to a second of a whole core. */
const TIMEOUT_MS = 10_000;

interface Waiting {
  resolve: (tokens: number) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

type Reply = { id: number; tokens: number } | { id: number; reason: string };

/** Beside the service's bundle, or, from the sources, as TypeScript, which Node runs. */
const script = ['js', 'ts'].map((end) => join(import.meta.dirname, `tokenizer.worker.${end}`)).find(existsSync);

/** Counts tokens in a thread, which begins with the first question and ends when there was none for a minute. */
export class TokenizerThread {
  private worker: Worker | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;
  private idle: NodeJS.Timeout | undefined;

  /** The tokens of all texts together, each tokenised in full. Throws when that takes more than 10 s. */
  count(family: string, texts: readonly string[]): Promise<number> {
    clearTimeout(this.idle);
    const worker = (this.worker ??= this.start());
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => void this.end(new Error('The tokenizer takes too long.')), TIMEOUT_MS).unref();
      this.waiting.set(id, { resolve, reject, timer });
      worker.ref();
      worker.postMessage({ id, family, texts });
    });
  }

  /** Resolves when the thread has ended; the next question begins another one. */
  stop(): Promise<void> {
    return this.end(new Error('The tokenizer was stopped.'));
  }

  /** Rejects all open questions with the reason. */
  private async end(reason: Error): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    for (const id of [...this.waiting.keys()]) this.settle(id, ({ reject }) => reject(reason));
    clearTimeout(this.idle);
    await worker?.terminate();
  }

  private start(): Worker {
    if (!script) throw new Error('The tokenizer is not beside the service.');
    const worker = new Worker(script);
    worker.on('message', (reply: Reply) =>
      this.settle(reply.id, ({ resolve, reject }) =>
        'tokens' in reply ? resolve(reply.tokens) : reject(new Error(reply.reason)),
      ),
    );
    worker.on('error', (error: Error) => {
      if (worker === this.worker) void this.end(error);
    });
    return worker;
  }

  private settle(id: number, how: (waiting: Waiting) => void): void {
    const waiting = this.waiting.get(id);
    if (!waiting) return;
    this.waiting.delete(id);
    clearTimeout(waiting.timer);
    how(waiting);
    if (this.waiting.size > 0) return;
    this.worker?.unref();
    clearTimeout(this.idle);
    this.idle = setTimeout(() => void this.stop(), IDLE_MS).unref();
  }
}
