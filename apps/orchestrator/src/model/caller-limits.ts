import { Injectable } from '@nestjs/common';

/** Limits of retries and fallbacks. */
@Injectable()
export class CallerLimits {
  /** Attempts after the first one, where the provider's settings say nothing. */
  max_retries = 2;
  /** To the first token, where the provider's settings say nothing. */
  first_token_timeout_ms = 60_000;
  /** The pause before the first retry is at most that; it doubles. */
  pause_ms = 250;
  longest_pause_ms = 4000;
  /** The longest wait that a provider may ask for when no other model can be asked, and when one can. */
  longest_retry_after_ms = 10_000;
  longest_retry_after_with_fallback_ms = 2000;
}
