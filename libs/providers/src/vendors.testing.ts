const usage = (...[input, read, output, reasoning]: (number | null)[]) => ({
  input_tokens: input,
  cache_read_tokens: read,
  cache_write_tokens: null,
  output_tokens: output,
  reasoning_tokens: reasoning,
});

interface Vendor {
  kind: string;
  chat_path: string;
  models_path: string;
  /** Of its streams' fixtures. */
  extension: 'sse' | 'ndjson';
  /** Of its tool calls. */
  ids: [string, string];
  /** Tokens of its chat, as it says itself. */
  total: number;
  models: `${string}.json`;
  expected: { text: object; tools: object; models: string[] };
}

export const vendors: Vendor[] = [
  {
    kind: 'openai',
    chat_path: '/v1/chat/completions',
    models_path: '/v1/models',
    extension: 'sse',
    ids: ['call_DdmO9pD3xa9XTPNJ32zg2hcA', 'call_9vmKmyftz3S6BQ2m8pYMbgDi'],
    total: 2168,
    models: 'models.json',
    expected: {
      text: usage(128, 1920, 56, 64),
      tools: usage(96, 0, 52, 0),
      models: ['gpt-5-mini', 'text-embedding-3-small'],
    },
  },
  {
    kind: 'groq',
    chat_path: '/openai/v1/chat/completions',
    models_path: '/openai/v1/models',
    extension: 'sse',
    ids: ['call_d5wg', 'call_e9xk'],
    total: 51,
    models: 'models.json',
    expected: {
      text: usage(13, 32, 6, null),
      tools: usage(210, null, 38, null),
      models: ['llama-3.3-70b-versatile', 'openai/gpt-oss-120b'],
    },
  },
  {
    kind: 'ollama',
    chat_path: '/api/chat',
    models_path: '/api/tags',
    extension: 'ndjson',
    ids: ['call_minted', 'call_k3h1x9aq'],
    total: 34,
    models: 'tags.json',
    expected: {
      text: usage(26, null, 8, null),
      tools: usage(122, null, 33, null),
      models: ['qwen3:latest', 'all-minilm:latest'],
    },
  },
];
