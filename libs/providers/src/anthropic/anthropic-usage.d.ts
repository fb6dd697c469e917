import type { Usage } from '../types';
/**
 * Usage as told at the start of a message and, cumulatively, at its end. Caches are apart from `input_tokens`; thoughts are part of
 * `output_tokens`, and told apart at times.
 */
export declare function readUsage(start: unknown, end: unknown): Usage | null;
