import type { ProblemCode } from '@taai/contracts';

/** One call that ended, as its caller or the replica saw it. */
export interface Observation {
  rpc: string;
  ms: number;
  code: 'ok' | ProblemCode;
}

export type Observe = (call: Observation) => void;

/** Receives what went wrong unexpectedly. The other side never sees the cause. */
export type OnError = (error: unknown, fields: { rpc?: string; request_id?: string }) => void;
