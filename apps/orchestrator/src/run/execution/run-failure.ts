import { reportError } from '@taai/platform';
import { ProviderError } from '@taai/providers';
import { ModelFailure } from '../../model/model-failure';

/**
 * Why a run cannot go on, besides `ProviderError` and `ModelFailure`: its code and message become the run's `error_code` and
 * `error_detail`. Codes are `agent_not_ready`, `approval_expired`, `budget_exceeded`, `conversation_too_long`, `deadline_exceeded`, `internal`,
 * `output_invalid` and `step_limit`.
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

/** The failure that a run shows for an error: a fault of ours is reported, and shown without its cause. */
export function toRunFailure(error: unknown): Pick<RunFailure, 'code' | 'message'> {
  if (error instanceof RunFailure || error instanceof ModelFailure || error instanceof ProviderError) return error;
  reportError(error);
  return new RunFailure('internal', 'Something failed on our side.');
}
