import type { ChatRequest as OllamaRequest, Message } from 'ollama/browser';
import { toTool } from '../openai/openai-format';
import { parseArguments } from '../json';
import { ProviderError } from '../provider-error';
import type { ChatMessage, ChatRequest, ContentPart, JsonObject, ResponseFormat } from '../types';

/** A chat as Ollama has it, without the fields that are not given. */
export function toOllamaRequest(request: ChatRequest): OllamaRequest & { stream: true } {
  return {
    model: request.model,
    messages: request.messages.map(toMessage),
    stream: true,
    ...(request.response_format && { format: toFormat(request.response_format) }),
    ...(request.reasoning_effort && {
      think: request.reasoning_effort === 'minimal' ? 'low' : request.reasoning_effort,
    }),
    // It has no choice of tools: none are offered where none may be called.
    ...(request.tools?.length && request.tool_choice !== 'none' && { tools: request.tools.map(toTool) }),
    options: {
      temperature: request.temperature,
      top_p: request.top_p,
      num_predict: request.max_output_tokens,
      stop: request.stop,
      seed: request.seed,
      frequency_penalty: request.frequency_penalty,
      presence_penalty: request.presence_penalty,
    },
  };
}

const toFormat = (format: ResponseFormat): string | JsonObject =>
  format.type === 'json_object' ? 'json' : format.schema;

function toMessage(message: ChatMessage): Message {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.content };
    case 'user':
      return { role: 'user', ...toContent(message.content) };
    case 'tool':
      return { role: 'tool', tool_name: message.name, content: message.content };
    case 'assistant':
      return { role: 'assistant', content: message.content, ...toCalls(message.tool_calls) };
  }
}

function toContent(content: string | ContentPart[]): Pick<Message, 'content' | 'images'> {
  if (typeof content === 'string') return { content };
  if (content.some(({ type }) => type === 'file'))
    throw new ProviderError('invalid_request', 'The provider takes no PDFs.');
  const texts = content.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  const images = content.flatMap((part) => (part.type === 'image' ? [toBase64(part.url)] : []));
  return { content: texts.join('\n'), ...(images.length > 0 && { images }) };
}

function toBase64(url: string): string {
  const [, base64] = /^data:[^,]*;base64,(.*)$/s.exec(url) ?? [];
  if (base64 === undefined)
    throw new ProviderError('invalid_request', 'Ollama fetches no images: send them as data URLs in base64.');
  return base64;
}

function toCalls(calls: Extract<ChatMessage, { role: 'assistant' }>['tool_calls']): Pick<Message, 'tool_calls'> {
  if (!calls?.length) return {};
  return {
    tool_calls: calls.map((call) => ({ function: { name: call.name, arguments: parseArguments(call.arguments) } })),
  };
}
