import type { ProviderFactory } from '../types';
/** Groq speaks OpenAI's format, but reports usage and failures in its own way. */
export declare const groq: ProviderFactory;
