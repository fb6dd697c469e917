import type { Usage } from './types';
/**
 * Usage in OpenAI's wire format, where caches are part of `prompt_tokens` and reasoning is part of `completion_tokens`. Some who speak the
 * format leave reasoning out of `completion_tokens`; it is then what the total has beyond the two.
 */
export declare function readUsage(value: unknown): Usage | null;
