import { Injectable } from '@nestjs/common';

/** Limits of the circuit breakers. */
@Injectable()
export class BreakerLimits {
  /** Calls are judged by the last ones of so many milliseconds. */
  window_ms = 30_000;
  /** With fewer calls than that, nothing is concluded. */
  min_calls = 10;
  /** The share of failures, in percent, that opens a breaker. */
  failure_percent = 50;
  /** How long a provider is left alone. */
  cool_ms = 60_000;
  /** How long a probe may take before another one is made: longer than most providers are given for their first token. */
  probe_ms = 90_000;
  /** How long outcomes are gathered before they are sent to Redis. */
  flush_ms = 100;
  /** How long an answer of Redis, that a breaker is open, holds before it is asked again. */
  recheck_ms = 1000;
}
