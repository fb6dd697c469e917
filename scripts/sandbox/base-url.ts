export type SandboxKind = 'openai' | 'anthropic' | 'google' | 'groq' | 'ollama';

/** The `base_url` of a provider of this kind at the sandbox at `url`. */
export const sandboxBaseUrl = (kind: SandboxKind, url: string): string => (kind === 'openai' ? `${url}/v1` : url);
