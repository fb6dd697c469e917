import { WINDOW_SECONDS } from '@taai/platform';
import type { LevelState } from './rate-decision';

type Headers = Record<string, string>;

const unitOf = (name: string) => (name === 'tokens' ? ';qu="tokens"' : '');

/** How the levels stand, as the IETF's draft of the RateLimit header fields has it (revision 11): a list of structured fields each. */
export function rateHeaders(states: readonly LevelState[]): Headers {
  const policies = states.map(
    ({ level: { name, per_minute } }) => `"${name}";q=${per_minute};w=${WINDOW_SECONDS}${unitOf(name)}`,
  );
  const limits = states.map(
    ({ level, remaining, reset_seconds }) => `"${level.name}";r=${remaining};t=${reset_seconds}`,
  );
  return { 'ratelimit-policy': policies.join(', '), ratelimit: limits.join(', ') };
}

/** The same in the headers of OpenAI's: of the levels of requests they know but one, the one with the least left. */
export function openAiHeaders(states: readonly LevelState[]): Headers {
  const tokens = states.find(({ level }) => level.name === 'tokens');
  const [requests] = states.filter((state) => state !== tokens).sort((one, other) => one.remaining - other.remaining);
  return { ...(requests && openAiTriple('requests', requests)), ...(tokens && openAiTriple('tokens', tokens)) };
}

const openAiTriple = (of: 'requests' | 'tokens', { level, remaining, reset_seconds }: LevelState): Headers => ({
  [`x-ratelimit-limit-${of}`]: String(level.per_minute),
  [`x-ratelimit-remaining-${of}`]: String(remaining),
  [`x-ratelimit-reset-${of}`]: openAiDuration(reset_seconds),
});

const MINUTE = 60;
const HOUR = 3600;

/** Seconds as OpenAI writes them: `12s`, `6m0s`, `1h0m5s`. */
export function openAiDuration(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / HOUR), Math.floor((seconds % HOUR) / MINUTE)];
  return `${hours > 0 ? `${hours}h` : ''}${seconds >= MINUTE ? `${minutes}m` : ''}${seconds % MINUTE}s`;
}
