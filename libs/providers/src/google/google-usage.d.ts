import type { Usage } from '../types';
/**
 * Gemini's `usageMetadata`. Caches are part of the prompt, what the vendor's own tools read is apart from it, and thoughts are apart from
 * the answer. Zeros are left out of it: where there is a total, the answer is what the total has beyond the rest.
 */
export declare function readUsage(value: unknown): Usage | null;
