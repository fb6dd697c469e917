/** Items that may wait for the reader. */
const AHEAD = 64;

/** A queue with one writer and one reader. The writer waits while the reader is 64 items behind. */
export class BoundedQueue<T> implements AsyncIterableIterator<T> {
  private readonly items: T[] = [];
  private ending: { failure?: Error } | undefined;
  private hasLeft = false;
  private wakeReader: (() => void) | undefined;
  private wakeWriter: (() => void) | undefined;

  /** @param signal Aborts when nobody will read any more: then nobody has to wait for the reader. */
  constructor(signal: AbortSignal) {
    signal.addEventListener('abort', () => this.leave(), { once: true });
  }

  /** A promise when the reader is behind: there is room again when it resolves. */
  push(item: T): void | Promise<void> {
    if (this.hasLeft) return;
    this.items.push(item);
    this.wakeReader?.();
    if (this.items.length >= AHEAD) return new Promise((resolve) => (this.wakeWriter = resolve));
  }

  /** Nothing follows. The reader learns of the failure when it has read what came before. */
  end(failure?: Error): void {
    this.ending = failure ? { failure } : {};
    this.wakeReader?.();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.items.length === 0) {
      if (this.ending?.failure) throw this.ending.failure;
      if (this.ending) return { done: true, value: undefined };
      await new Promise<void>((resolve) => (this.wakeReader = resolve));
    }
    const value = this.items.shift() as T;
    if (this.items.length < AHEAD / 2) this.wakeWriter?.();
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.leave();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private leave(): void {
    this.hasLeft = true;
    this.wakeWriter?.();
  }
}
