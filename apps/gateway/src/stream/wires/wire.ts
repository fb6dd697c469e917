import type { ProblemError } from '@taai/contracts';
import type { OutlinedRun, OutlineItem } from './outline-item';
import type { Said } from './said';
import type { WireAnswer } from './wire-answer';

/** What a wire's own request body says. */
export interface WireQuestion extends Said {
  /** Messages that come before it. */
  earlier: number;
}

/** A format that UIs speak: what a run tells is told in its frames, JSON each, as server-sent events. */
export interface Wire {
  /** Of the answer, besides those of every stream. */
  headers: Record<string, string>;
  tell(item: OutlineItem, run: OutlinedRun): object[];
  /** Tells that the stream cannot go on. */
  fail(problem: ProblemError): object;
  /** What follows the last frame. */
  end: string;
  /** Reads the format's request body. Throws `validation_failed` for what would be lost. */
  read(body: Record<string, unknown>): WireQuestion;
  /** Reads what the format's request body decides on tool calls; undefined when it decides nothing. Throws `validation_failed`. */
  answer(body: Record<string, unknown>): WireAnswer | undefined;
}
