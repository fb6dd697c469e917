import type { ProviderFactory } from '../types';
/** Google's Gemini API, by the official SDK. A `base_url` ends before `/v1beta`. */
export declare const google: ProviderFactory;
