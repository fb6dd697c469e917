/** Who waits for memory. */
interface Waiter {
  tenant: string;
  bytes: number;
  begin: () => void;
}

/**
 * A bounded number of bytes that a replica holds of files at once, for as long as models are asked about them. A tenant has half of them at
 * most; whoever has waited longest comes first.
 */
export class FileMemory {
  private free: number;
  private readonly held = new Map<string, number>();
  private readonly waiting = new Set<Waiter>();

  constructor(private readonly bytes: number) {
    this.free = bytes;
  }

  /**
   * Resolves when there is room; the function that is returned gives it back.
   *
   * @throws the signal's reason
   */
  async take(tenant: string, bytes: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const { promise, resolve: begin, reject } = Promise.withResolvers<void>();
    const waiter = { tenant, bytes: Math.min(bytes, this.share), begin };
    const withdraw = () => {
      if (this.waiting.delete(waiter)) reject(signal.reason);
      this.serve();
    };
    this.waiting.add(waiter);
    signal.addEventListener('abort', withdraw);
    this.serve();
    await promise.finally(() => signal.removeEventListener('abort', withdraw));
    return () => this.give(waiter);
  }

  private get share(): number {
    return this.bytes / 2;
  }

  /** Nobody overtakes who waits for others; who waits for their own tenant is passed over. */
  private serve(): void {
    for (const waiter of this.waiting) {
      const { tenant, bytes, begin } = waiter;
      const own = this.held.get(tenant) ?? 0;
      if (own + bytes > this.share) continue;
      if (bytes > this.free) return;
      this.waiting.delete(waiter);
      this.free -= bytes;
      this.held.set(tenant, own + bytes);
      begin();
    }
  }

  private give({ tenant, bytes }: Waiter): void {
    this.free += bytes;
    const rest = (this.held.get(tenant) ?? 0) - bytes;
    if (rest > 0) this.held.set(tenant, rest);
    else this.held.delete(tenant);
    this.serve();
  }
}
