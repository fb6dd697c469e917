import { listed } from '../list-price';

/**
 * Left out: models that Groq sells by the hour of audio or by the character, its compound systems, whose price is that of the models they
 * call, and `qwen/qwen3.8-27b`, of which the page that was read shows no price.
 */
export const groqPrices = [
  ...listed(
    {
      provider_kind: 'groq',
      source: 'https://console.groq.com/docs/models, as transcribed by SergeevDmitry/llm-kit',
      read_on: '2026-08-05',
      effective_from: '2026-11-01',
    },
    [
      // model                   input    read   write  output
      ['llama-3.1-8b-instant', 50_000, null, null, 80_000],
      ['llama-3.3-70b-versatile', 590_000, null, null, 790_000],
      ['qwen/qwen3.6-27b', 600_000, null, null, 3_000_000],
    ],
  ),
  ...listed(
    {
      provider_kind: 'groq',
      source: 'https://groq.com/pricing, as listed by models.dev',
      read_on: '2026-07-02',
      effective_from: '2026-11-01',
    },
    [
      ['openai/gpt-oss-120b', 150_000, 75_000, null, 600_000],
      ['openai/gpt-oss-20b', 75_000, 37_500, null, 300_000],
      ['openai/gpt-oss-safeguard-20b', 75_000, null, null, 300_000],
      ['meta-llama/llama-4-scout-17b-16e-instruct', 110_000, null, null, 340_000],
      ['qwen/qwen3-32b', 290_000, null, null, 590_000],
    ],
  ),
];
