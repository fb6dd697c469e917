import { listed, type LongPrompt } from '../list-price';

const page = 'https://developers.openai.com/api/docs/pricing';
const effective_from = '2026-11-01';

const long: LongPrompt = { long_above_tokens: 272_000, long_input_percent: 200, long_output_percent: 150 };

/**
 * Text, standard tier; cache writes are those kept for 30 minutes. Left out: `gpt-5.6-sol`, of whose price it was only said that it holds
 * until 2026-11-21 at least; `gpt-6-astra` and `gpt-6.1-sol`, of whose long prompts no price was found; models of images and sound.
 */
export const openaiPrices = [
  ...listed(
    {
      provider_kind: 'openai',
      source: `${page}, as read for the release of iyulab/TokenMeter 0.17.0; docs/models/gpt-6.2-sol says the same`,
      read_on: '2026-11-18',
      effective_from,
      ...long,
    },
    [
      // model           input      read     write       output
      ['gpt-6.2-astra', 8_000_000, 400_000, 10_000_000, 40_000_000],
      ['gpt-6.2-sol', 2_000_000, 100_000, 2_500_000, 10_000_000],
    ],
  ),
  ...listed(
    {
      provider_kind: 'openai',
      source: `${page}, as quoted by apidog.com/blog/gpt-6-1-terra-pricing and docs.litellm.ai/blog/gpt-6-1-terra`,
      read_on: '2026-10-27',
      effective_from,
      ...long,
    },
    [['gpt-6.1-terra', 1_000_000, 50_000, 1_250_000, 5_000_000]],
  ),
  ...listed(
    {
      provider_kind: 'openai',
      source: `${page}, as quoted for merefield/codexometer 0.18.4 and in BerriAI/litellm discussion 42523`,
      read_on: '2026-09-22',
      effective_from,
      ...long,
    },
    [
      ['gpt-6-sol', 2_000_000, 200_000, 2_500_000, 10_000_000],
      ['gpt-6-luna', 100_000, 10_000, 125_000, 500_000],
    ],
  ),
  ...listed(
    {
      provider_kind: 'openai',
      source: `${page}, as listed by models.dev`,
      read_on: '2026-07-02',
      effective_from,
      ...long,
    },
    [
      ['gpt-5.5', 5_000_000, 500_000, null, 30_000_000],
      ['gpt-5.5-pro', 30_000_000, null, null, 180_000_000],
      ['gpt-5.4', 2_500_000, 250_000, null, 15_000_000],
    ],
  ),
  ...listed(
    { provider_kind: 'openai', source: `${page}, as listed by models.dev`, read_on: '2026-07-02', effective_from },
    [
      ['gpt-5.4-mini', 750_000, 75_000, null, 4_500_000],
      ['gpt-5.4-nano', 200_000, 20_000, null, 1_250_000],
      ['gpt-5.2', 1_750_000, 175_000, null, 14_000_000],
      ['gpt-5.1', 1_250_000, 125_000, null, 10_000_000],
      ['gpt-5', 1_250_000, 125_000, null, 10_000_000],
      ['gpt-5-mini', 250_000, 25_000, null, 2_000_000],
      ['gpt-5-nano', 50_000, 5_000, null, 400_000],
      ['o4-mini', 1_100_000, 275_000, null, 4_400_000],
      ['o3', 2_000_000, 500_000, null, 8_000_000],
      ['o3-mini', 1_100_000, 550_000, null, 4_400_000],
      ['o1', 15_000_000, 7_500_000, null, 60_000_000],
      ['gpt-4.1', 2_000_000, 500_000, null, 8_000_000],
      ['gpt-4.1-mini', 400_000, 100_000, null, 1_600_000],
      ['gpt-4.1-nano', 100_000, 25_000, null, 400_000],
      ['gpt-4o', 2_500_000, 1_250_000, null, 10_000_000],
      ['gpt-4o-mini', 150_000, 75_000, null, 600_000],
      ['gpt-4-turbo', 10_000_000, null, null, 30_000_000],
      ['text-embedding-3-small', 20_000, null, null, 0],
      ['text-embedding-3-large', 130_000, null, null, 0],
      ['text-embedding-ada-002', 100_000, null, null, 0],
    ],
  ),
];
