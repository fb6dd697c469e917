import type { Link } from './link';

/** Lua's stack bounds how many elements one push may carry. */
const MAX_ITEMS = 500;
/** UTF-16 units in one command. */
const MAX_SIZE = 1_000_000;

export interface TickBufferOptions<T> {
  link: Link;
  /** UTF-16 units. */
  sizeOf: (item: T) => number;
  write: (list: string, items: T[]) => void;
}

/**
 * Collects items by list, and writes at once what one tick of the event loop brought (more than 500 items or 1 MB in
 * several pieces). While the link is down it keeps them; the owner bounds how many there can be.
 */
export class TickBuffer<T> {
  private waiting = new Map<string, T[]>();
  private scheduled = false;

  constructor(private readonly options: TickBufferOptions<T>) {
    options.link.onReady(() => this.schedule());
  }

  add(list: string, item: T): void {
    const items = this.waiting.get(list);
    if (items) items.push(item);
    else this.waiting.set(list, [item]);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled || this.waiting.size === 0) return;
    this.scheduled = true;
    setImmediate(this.flush);
  }

  private readonly flush = () => {
    this.scheduled = false;
    if (!this.options.link.ready) return;
    const { waiting } = this;
    this.waiting = new Map();
    for (const [list, items] of waiting) this.writeInPieces(list, items);
  };

  private writeInPieces(list: string, items: T[]): void {
    let piece: T[] = [];
    let size = 0;
    for (const item of items) {
      const more = this.options.sizeOf(item);
      if (piece.length > 0 && (piece.length === MAX_ITEMS || size + more > MAX_SIZE)) {
        this.options.write(list, piece);
        piece = [];
        size = 0;
      }
      piece.push(item);
      size += more;
    }
    this.options.write(list, piece);
  }
}
