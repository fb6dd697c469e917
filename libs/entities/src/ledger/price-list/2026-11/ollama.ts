import { listed } from '../list-price';

/** Whatever the model. A tenant whose Ollama is somebody's service sets a price of its own, for `*` or a model. */
export const ollamaPrices = listed(
  {
    provider_kind: 'ollama',
    source: "runs on the tenant's own machine: nobody sends a bill, https://github.com/ollama/ollama",
    read_on: '2026-11-24',
    effective_from: '2026-01-01',
  },
  [['*', 0, 0, 0, 0]],
);
