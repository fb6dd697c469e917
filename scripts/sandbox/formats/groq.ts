import { chatCompletions, toUsage } from './openai.ts';

/** OpenAI's format, with the usage in a place of its own and the reasoning shown. Its SDK appends the prefix itself. */
export const groq = {
  ...chatCompletions({
    kind: 'groq',
    prefix: '/openai/v1',
    reasoning: (reasoning) => ({ reasoning }),
    whole: ({ call }) => ({ x_groq: { id: call.id } }),
    first: ({ call }) => ({ x_groq: { id: call.id } }),
    last: ({ call, answer: { usage } }) => ({ x_groq: { id: call.id, ...(usage && { usage: toUsage(usage) }) } }),
  }),
  // It has no models for these.
  embeddings: undefined,
};
