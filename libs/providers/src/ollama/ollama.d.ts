import type { ProviderFactory } from '../types';
/** Ollama's own service, or a server of the tenant's: that one needs no key, and takes any. */
export declare const ollama: ProviderFactory;
