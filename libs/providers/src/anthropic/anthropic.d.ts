import type { ProviderFactory } from '../types';
/** Anthropic's messages, by the official SDK. A `base_url` ends before `/v1`. */
export declare const anthropic: ProviderFactory;
