/**
 * Why a run cannot go on, besides a `ProviderError`: its code and message become the run's `error_code` and `error_detail`. Codes are
 * `agent_not_ready`, `deadline_exceeded`, `model_unpriced`, `output_too_long` and `internal`.
 */
export class RunFailure extends Error {
  override readonly name = 'RunFailure';

  constructor(
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}
