import { listed, type LongPrompt } from '../list-price';

const page = 'https://ai.google.dev/gemini-api/docs/pricing';
const effective_from = '2026-11-01';

const pro: LongPrompt = { long_above_tokens: 200_000, long_input_percent: 200, long_output_percent: 150 };

/**
 * Text, standard tier; the hourly storage of explicit caches is not in a call and not here. Left out: models of images, speech and video,
 * whose outputs have other prices, and 3.6 and 3.7 Flash, of whose cache no price was found. Audio in a prompt of a Flash model costs more
 * than is said here.
 */
export const googlePrices = [
  ...listed(
    {
      provider_kind: 'google',
      source: `${page}, as read for the releases of iyulab/TokenMeter 0.17.0 and feronovak/llm-preflight 2.25.9`,
      read_on: '2026-11-19',
      effective_from,
    },
    [
      // model              input      read     write output
      ['gemini-4-neon', 3_000_000, 150_000, null, 15_000_000],
      ['gemini-4-hydrogen', 1_500_000, 75_000, null, 7_500_000],
    ],
  ),
  ...listed(
    {
      provider_kind: 'google',
      source: `${page} (input, output), https://docs.apiyi.com/en/models/gemini-3-8-flash.md (cache)`,
      read_on: '2026-10-07',
      effective_from,
    },
    [['gemini-3.8-flash', 750_000, 75_000, null, 3_750_000]],
  ),
  ...listed(
    {
      provider_kind: 'google',
      source: `${page}: from 2027 on; of the cache nothing is said: as input`,
      read_on: '2026-10-07',
      effective_from: '2027-01-01',
    },
    [['gemini-3.8-flash', 1_500_000, null, null, 7_500_000]],
  ),
  ...listed(
    { provider_kind: 'google', source: `${page}, as listed by models.dev`, read_on: '2026-07-02', effective_from },
    [
      ['gemini-3.5-flash', 1_500_000, 150_000, null, 9_000_000],
      ['gemini-3.1-flash-lite', 250_000, 25_000, null, 1_500_000],
      ['gemini-3-flash-preview', 500_000, 50_000, null, 3_000_000],
      ['gemini-2.5-flash', 300_000, 30_000, null, 2_500_000],
      ['gemini-2.5-flash-lite', 100_000, 10_000, null, 400_000],
      ['gemini-2.0-flash', 100_000, 25_000, null, 400_000],
      ['gemini-embedding-001', 150_000, null, null, 0],
    ],
  ),
  ...listed(
    {
      provider_kind: 'google',
      source: 'https://github.com/simstudioai/sim/pull/5812, after the pricing page of Google',
      read_on: '2026-07-21',
      effective_from,
    },
    [['gemini-3.5-flash-lite', 300_000, 30_000, null, 2_500_000]],
  ),
  ...listed(
    {
      provider_kind: 'google',
      source: `${page}, as listed by models.dev`,
      read_on: '2026-07-02',
      effective_from,
      ...pro,
    },
    [
      ['gemini-3.1-pro-preview', 2_000_000, 200_000, null, 12_000_000],
      ['gemini-3-pro-preview', 2_000_000, 200_000, null, 12_000_000],
      ['gemini-2.5-pro', 1_250_000, 125_000, null, 10_000_000],
    ],
  ),
];
