/**
 * Events of several writers for one reader, few at a time: who puts one in waits until there is room, so that what the reader does not
 * take is not even fetched. No generator: thousands of readers wait.
 */
export class EventQueue<T> implements AsyncIterableIterator<T, void, undefined> {
  private readonly items: T[] = [];
  /** What there was no room for, in turn. */
  private readonly putting: { item: T; go: () => void }[] = [];
  private wake: () => void = () => undefined;
  private ending: { error?: unknown } | undefined;

  /** @param onEnd Called once, when nothing more is given out. */
  constructor(
    private readonly capacity: number,
    private readonly onEnd: () => void = () => undefined,
  ) {}

  /** Resolves once the event is in; after the end at once, and nobody is given it. */
  async put(item: T): Promise<void> {
    if (this.ending) return;
    if (this.items.length >= this.capacity)
      return new Promise<void>((resolve) => this.putting.push({ item, go: resolve }));
    this.items.push(item);
    this.wake();
  }

  /** Nothing more is given out. */
  end(): void {
    this.finish({});
  }

  /** The reader is told of the error instead of what it has not taken yet. */
  fail(error: unknown): void {
    this.finish({ error });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, void>> {
    for (;;) {
      if (this.ending) return this.last(this.ending);
      const value = this.take();
      if (value !== undefined) return { done: false, value };
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  /** The reader takes no more. */
  async return(): Promise<IteratorResult<T, void>> {
    this.end();
    return { done: true, value: undefined };
  }

  private take(): T | undefined {
    const item = this.items.shift();
    const next = this.putting.shift();
    if (next) this.items.push(next.item);
    next?.go();
    return item;
  }

  private last(ending: { error?: unknown }): IteratorResult<T, void> {
    if ('error' in ending) throw ending.error;
    return { done: true, value: undefined };
  }

  private finish(ending: { error?: unknown }): void {
    if (this.ending) return;
    this.ending = ending;
    this.putting.splice(0).forEach(({ go }) => go());
    this.wake();
    this.onEnd();
  }
}
