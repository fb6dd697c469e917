import { listed, type LongPrompt } from '../list-price';

const page = 'https://platform.claude.com/docs/en/about-claude/pricing';
const effective_from = '2026-11-01';

const haiku: LongPrompt = { long_above_tokens: 100_000, long_input_percent: 500, long_output_percent: 500 };

/** Cache writes are those kept for 5 minutes, which is what a request gets that does not ask for an hour. */
export const anthropicPrices = [
  ...listed(
    {
      provider_kind: 'anthropic',
      source: `${page}, as read for the release of kurofune/claudit 1.9.2 and by docs.rs/synaps 0.10.2`,
      read_on: '2026-10-24',
      effective_from,
    },
    [
      // model               input       read       write       output
      ['claude-fable-5-1', 10_000_000, 250_000, 12_500_000, 50_000_000],
      ['claude-opus-5-5', 4_000_000, 200_000, 5_000_000, 20_000_000],
      ['claude-sonnet-5-5', 2_000_000, 100_000, 2_500_000, 10_000_000],
    ],
  ),
  ...listed(
    {
      provider_kind: 'anthropic',
      source: `${page}, as read for the release of kurofune/claudit 1.9.2`,
      read_on: '2026-10-24',
      effective_from,
      ...haiku,
    },
    [['claude-haiku-5-5', 100_000, 10_000, 125_000, 500_000]],
  ),
  ...listed(
    {
      provider_kind: 'anthropic',
      source: `${page}, as listed by models.dev and, unchanged, as read for kurofune/claudit 1.9.2`,
      read_on: '2026-10-24',
      effective_from,
    },
    [
      ['claude-fable-5', 10_000_000, 1_000_000, 12_500_000, 50_000_000],
      ['claude-opus-4-8', 5_000_000, 500_000, 6_250_000, 25_000_000],
      ['claude-opus-4-7', 5_000_000, 500_000, 6_250_000, 25_000_000],
      ['claude-opus-4-6', 5_000_000, 500_000, 6_250_000, 25_000_000],
      ['claude-opus-4-5', 5_000_000, 500_000, 6_250_000, 25_000_000],
      ['claude-opus-4-1', 15_000_000, 1_500_000, 18_750_000, 75_000_000],
      ['claude-sonnet-5', 2_000_000, 200_000, 2_500_000, 10_000_000],
      ['claude-sonnet-4-6', 3_000_000, 300_000, 3_750_000, 15_000_000],
      ['claude-sonnet-4-5', 3_000_000, 300_000, 3_750_000, 15_000_000],
      ['claude-sonnet-4', 3_000_000, 300_000, 3_750_000, 15_000_000],
      ['claude-haiku-4-5', 1_000_000, 100_000, 1_250_000, 5_000_000],
    ],
  ),
  ...listed(
    {
      provider_kind: 'anthropic',
      source: 'https://platform.claude.com/docs/about-claude/models/whats-new-opus-5, a copy that knows Haiku 5.5',
      read_on: '2026-11-24',
      effective_from,
    },
    [['claude-opus-5', 5_000_000, 500_000, 6_250_000, 25_000_000]],
  ),
];
