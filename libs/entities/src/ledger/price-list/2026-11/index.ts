import type { ListPrice } from '../list-price';
import { anthropicPrices } from './anthropic';
import { googlePrices } from './google';
import { groqPrices } from './groq';
import { ollamaPrices } from './ollama';
import { openaiPrices } from './openai';
import { sandboxPrices } from './sandbox';

/**
 * The list as of November 2026. A migration took it into the database, so it stays as it is: a newer list is a folder beside this one,
 * with a migration of its own that adds versions.
 */
export const prices: readonly ListPrice[] = [
  ...openaiPrices,
  ...anthropicPrices,
  ...googlePrices,
  ...groqPrices,
  ...ollamaPrices,
  ...sandboxPrices,
];
