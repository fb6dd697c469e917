import { listed } from '../list-price';

const kinds = ['anthropic', 'google', 'groq', 'ollama'] as const;

/** The sandbox speaks every format, and is priced in each as it is in OpenAI's (by the first migration). */
export const sandboxPrices = kinds.flatMap((provider_kind) =>
  listed(
    {
      provider_kind,
      source: 'invented: the sandbox that comes with the project, scripts/sandbox',
      read_on: '2026-11-24',
      effective_from: '2026-01-01',
    },
    [['sandbox-1', 150_000, 75_000, null, 600_000]],
  ),
);
