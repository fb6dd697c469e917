/**
 * Events of several writers for one reader, few at a time: who puts one in waits until there is room, so that what the reader does not
 * take is not even fetched.
 */
export class EventQueue<T> {
  private readonly items: T[] = [];
  private readonly putting: (() => void)[] = [];
  private wake: () => void = () => undefined;
  private ending: { error?: unknown } | undefined;

  constructor(private readonly capacity: number) {}

  /** Resolves once the event is in; after the end at once, and nobody is given it. */
  async put(item: T): Promise<void> {
    while (!this.ending && this.items.length >= this.capacity) {
      await new Promise<void>((resolve) => this.putting.push(resolve));
    }
    if (!this.ending) this.items.push(item);
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

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      if (this.ending) {
        if ('error' in this.ending) throw this.ending.error;
        return;
      }
      const item = this.items.shift();
      if (item === undefined) {
        await new Promise<void>((resolve) => (this.wake = resolve));
        continue;
      }
      this.putting.shift()?.();
      yield item;
    }
  }

  private finish(ending: { error?: unknown }): void {
    this.ending ??= ending;
    this.putting.splice(0).forEach((go) => go());
    this.wake();
  }
}
