import { type Quirks } from './openai-format';
import type { ProviderFactory } from '../types';
export interface Vendor {
  /** With `/v1` or whatever comes before `/chat/completions`. */
  base_url: string;
  quirks?: Quirks;
}
/** Providers that speak OpenAI's format, by OpenAI's SDK. */
export declare function openaiFormat({ base_url: vendor_url, quirks }: Vendor): ProviderFactory;
