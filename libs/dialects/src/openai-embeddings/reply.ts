import type { VectorsShape } from '../dialect';
import { modelName, usageOf } from '../openai-chat/reply';
import { described, either, integer, list, named, number, object, oneOf, text } from '../schema';

const vector = described('Numbers, or little-endian 32-bit floats in base64.', either(list(number()), text()));
const embedding = named('OpenAiEmbedding', object({ object: oneOf('embedding'), index: integer(), embedding: vector }));
const usage = named('OpenAiEmbeddingUsage', object({ prompt_tokens: integer(), total_tokens: integer() }));

/** The vectors, and what they cost. */
export const embeddings: VectorsShape = {
  schema: named(
    'OpenAiEmbeddings',
    object({
      object: oneOf('list'),
      model: text(),
      usage,
      data: list(embedding),
    }),
  ),
  begin(head) {
    const { prompt_tokens, total_tokens } = usageOf(head.usage);
    const rest = JSON.stringify({ object: 'list', model: modelName(head), usage: { prompt_tokens, total_tokens } });
    return `${rest.slice(0, -1)},"data":[`;
  },
  vector: (vector, index) => `${index === 0 ? '' : ','}{"object":"embedding","index":${index},"embedding":${vector}}`,
  end: () => ']}',
};
