import { compose } from './answer.ts';
import { ApiError } from './api-error.ts';
import type { Call } from './calls.ts';
import { lastUserMessage, type Message } from './chat.ts';
import { readDirectives, withoutDirectives, type Directives } from './directives.ts';
import { embed } from './embed.ts';
import { MODEL, type Format, type Path } from './formats/format.ts';
import type { Json } from './json.ts';
import { inputTokens, loadTokenizer } from './tokens.ts';
import type { Reply } from './transport.ts';

/** A call that was understood. */
export interface Order {
  directives: Directives;
  /** For the log. */
  asked: Pick<Call, 'format' | 'model' | 'messages' | 'tools' | 'stream'>;
  compose: (call: Call) => Promise<Reply>;
}

/** @throws ApiError */
export function readChat(format: Format, body: Json, path: Path): Order {
  const request = format.readChat(body, path);
  const { model, messages, stream } = request;
  const directives = steer(model, messages);
  const tools = request.tools.map(({ name }) => name);
  return {
    directives,
    asked: { format: format.kind, model, messages, tools, stream },
    compose: async (call) => {
      const answer = compose(request, directives, await loadTokenizer(), call.id);
      call.prompt_tokens = answer.prompt_tokens;
      const exchange = { request, answer, call };
      const { pieces } = answer;
      return { pieces, body: () => format.whole(exchange), ...(stream && { stream: format.stream(exchange) }) };
    },
  };
}

/**
 * The inputs are the messages of a user: the last one may hold directives.
 *
 * @throws ApiError
 */
export function readEmbedding({ kind, embeddings }: Format, body: Json, path: Path): Order {
  if (!embeddings) throw new ApiError(404, 'There are no embeddings here.', { code: 'unknown_url' });
  const request = embeddings.read(body, path);
  const { model, input, dimensions } = request;
  const messages = input.map((content): Message => ({ role: 'user', content }));
  return {
    directives: steer(model, messages),
    asked: { format: kind, model, messages, tools: [], stream: false },
    compose: async (call) => {
      call.prompt_tokens = inputTokens(await loadTokenizer(), input);
      const vectors = input.map((text) => embed(text, dimensions));
      return { pieces: [], body: () => embeddings.whole({ request, vectors, call }) };
    },
  };
}

/** @throws ApiError when there is no such model, or a directive is wrong */
function steer(model: string, messages: Message[]): Directives {
  if (withoutDirectives(model) !== MODEL)
    throw new ApiError(404, `The model "${model}" does not exist; there is ${MODEL}.`, { code: 'model_not_found' });
  try {
    return readDirectives(model, lastUserMessage(messages));
  } catch (error) {
    throw new ApiError(400, error instanceof Error ? error.message : 'A directive is wrong.', {
      code: 'sandbox_directive',
    });
  }
}
