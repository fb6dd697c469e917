/** Outputs that may be under way to the reader or wait for it. */
const WINDOW = 64;

/** What a caller has received of a stream and its reader has not taken yet: in order, each output once, 64 at most. */
export class Outputs {
  /** The number of the last output that the replica may send. */
  credit = WINDOW;
  /** Since when (`performance.now()`) an output is missing whose successors have come. */
  missingSince: number | undefined;
  private readonly ready: string[] = [];
  private readonly early = new Map<number, string>();
  private received = 0;
  private taken = 0;
  private last = Infinity;
  private failure: { reason: unknown } | undefined;
  private wake: (() => void) | undefined;

  /** @param onCredit Told when the reader has made room. */
  constructor(private readonly onCredit: () => void) {}

  /** Whether everything up to the end was received. */
  get complete(): boolean {
    return this.received === this.last;
  }

  /** After a cut outputs may come twice or out of order. */
  accept(number: number, json: string): void {
    if (number <= this.received || number > this.credit) return;
    this.early.set(number, json);
    this.advance();
  }

  /** There are so many outputs and no more. */
  end(last: number): void {
    this.last = last;
    this.advance();
  }

  /** The reader learns the reason when it has taken what came before. */
  fail(reason: unknown): void {
    this.failure = { reason };
    this.wake?.();
  }

  /** Resolves with the next output, or with nothing at the end. */
  async take(): Promise<string | undefined> {
    while (this.ready.length === 0 && !this.complete) {
      if (this.failure) throw this.failure.reason;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    const json = this.ready.shift();
    if (json !== undefined) this.extend(++this.taken);
    return json;
  }

  private advance(): void {
    for (let json; (json = this.early.get(this.received + 1)) !== undefined;) {
      this.early.delete(++this.received);
      this.ready.push(json);
    }
    const isMissing = this.early.size > 0 || (this.last !== Infinity && !this.complete);
    this.missingSince = isMissing ? (this.missingSince ?? performance.now()) : undefined;
    this.wake?.();
  }

  private extend(taken: number): void {
    if (this.credit - taken > WINDOW / 2) return;
    this.credit = taken + WINDOW;
    this.onCredit();
  }
}
