import type { TokenUsage } from '@taai/contracts';
import type { Attempt } from '../../model/candidate';
import { storable } from '../../json/storable';
import type { Ending } from '../run-events';
import type { RunFailure } from './run-failure';

/** How a run ends. */
export interface RunOutcome {
  status: 'completed' | 'failed' | 'cancelled';
  failure: Pick<RunFailure, 'code' | 'message'> | null;
  /** The call that ended it, if there was one. */
  call: Attempt | null;
}

/** The columns that an outcome fills in; `usage` is the sum of the run. */
export const endingOf = (
  { status, failure, call }: RunOutcome,
  usage: TokenUsage | null,
): Ending & Pick<RunOutcome, 'status'> => ({
  status,
  output: call && call.reply.text.toWellFormed(),
  error_code: failure?.code ?? null,
  error_detail: failure && storable(failure.message),
  stop_reason: call && call.reply.stop_reason,
  usage,
});
