import { ProblemError } from '@taai/contracts';
import { assertPublicUrl, OutboundRefused } from '@taai/platform';

/** Throws `url_not_allowed` for an address that may not be called. */
export function vetUrl(url: string, outboundAllow: readonly string[]): void {
  try {
    assertPublicUrl(url, outboundAllow);
  } catch (error) {
    if (error instanceof OutboundRefused) throw new ProblemError('url_not_allowed', error.message);
    throw error;
  }
}
