import { existsSync } from 'node:fs';
import { Worker, type ResourceLimits } from 'node:worker_threads';

/** What a thread holds (vocabularies of 10 to 120 MB, compiled schemas) is held while it is used. */
const IDLE_MS = 60_000;

interface Waiting<Answer> {
  resolve: (answer: Answer) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

/** What the thread's script posts for each question, whose id it was sent along. */
type Reply<Answer> = { id: number; answer: Answer } | { id: number; reason: string };

interface ThreadOptions {
  /** Milliseconds for one question, the wait behind others included. */
  timeoutMs: number;
  resourceLimits?: ResourceLimits;
}

/** Answers questions in a thread, one after another. The thread begins with the first question and ends when there was none for a minute. */
export class WorkerThread<Question extends object, Answer> {
  private worker: Worker | undefined;
  private readonly waiting = new Map<number, Waiting<Answer>>();
  private lastId = 0;
  private idle: NodeJS.Timeout | undefined;

  /** @param script without its ending: beside the service's bundle it is JavaScript, from the sources TypeScript, which Node runs */
  constructor(
    private readonly script: string,
    private readonly options: ThreadOptions,
  ) {}

  /** Throws when it takes too long, and when the thread fails; the thread is then ended, whatever else waits for it. */
  ask(question: Question): Promise<Answer> {
    clearTimeout(this.idle);
    const worker = (this.worker ??= this.start());
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      const tooLate = () => void this.end(new Error('The thread takes too long.'));
      this.waiting.set(id, { resolve, reject, timer: setTimeout(tooLate, this.options.timeoutMs).unref() });
      worker.ref();
      worker.postMessage({ id, ...question });
    });
  }

  /** Resolves when the thread has ended; the next question begins another one. */
  stop(): Promise<void> {
    return this.end(new Error('The thread was stopped.'));
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
    const file = ['js', 'ts'].map((ending) => `${this.script}.${ending}`).find(existsSync);
    if (!file) throw new Error(`There is no ${this.script} beside the service.`);
    const worker = new Worker(file, { resourceLimits: this.options.resourceLimits });
    worker.on('message', (reply: Reply<Answer>) =>
      this.settle(reply.id, ({ resolve, reject }) =>
        'answer' in reply ? resolve(reply.answer) : reject(new Error(reply.reason)),
      ),
    );
    worker.on('error', (error: Error) => {
      if (worker === this.worker) void this.end(error);
    });
    return worker;
  }

  private settle(id: number, how: (waiting: Waiting<Answer>) => void): void {
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
