/**
 * Stores items under small numbers, which are used again. A Map would read better, but a Map that short-lived items pass through is
 * rebuilt all the time, and each dead table in V8's old generation keeps its successor and the items in it alive:
 * collecting them took about a tenth of a call's CPU time.
 */
export class Slab<T> {
  private readonly items: (T | undefined)[] = [];
  private readonly free: number[] = [];

  get size(): number {
    return this.items.length - this.free.length;
  }

  /** Returns the item's number. */
  add(item: T): number {
    const slot = this.free.pop() ?? this.items.length;
    this.items[slot] = item;
    return slot;
  }

  get(slot: number): T | undefined {
    return this.items[slot];
  }

  remove(slot: number): void {
    this.items[slot] = undefined;
    this.free.push(slot);
  }

  *[Symbol.iterator](): Generator<T> {
    for (const item of this.items) if (item !== undefined) yield item;
  }
}
