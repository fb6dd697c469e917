import { invalidField } from '@taai/contracts';
import type { ChatMessage, ImagePart, TextPart, ToolCall } from '@taai/providers';
import { either, list, named, object, tagged, text, type TypeOf } from '../schema';
import { splitOpaque } from './opaque-call-id';

const MAX_MESSAGES = 10_000;
const MAX_PARTS = 1000;
const MAX_TOOL_CALLS = 128;

const textParts = { text: object({ text: text() }), refusal: object({ refusal: text() }) };
const image = object({
  image_url: object({
    url: text({ pattern: '^(https://|data:image/)', description: 'An https address, or a data URL of an image.' }),
  }),
});

const texts = named('OpenAiRequestText', either(text(), list(tagged('type', textParts), { maxItems: MAX_PARTS })));
const parts = list(tagged('type', { ...textParts, image_url: image }), { minItems: 1, maxItems: MAX_PARTS });
const call = object({ id: text(), function: object({ name: text(), arguments: text() }) });
const instructions = object({ content: texts });

export const messages = list(
  named(
    'OpenAiRequestMessage',
    tagged('role', {
      system: instructions,
      developer: instructions,
      user: object({ content: either(text(), parts) }),
      assistant: object({}, { content: texts, tool_calls: list(call, { maxItems: MAX_TOOL_CALLS }) }),
      tool: object({ tool_call_id: text(), content: texts }),
    }),
  ),
  { minItems: 1, maxItems: MAX_MESSAGES },
);

type Message = TypeOf<typeof messages>[number];
type Texts = TypeOf<typeof texts>;
type Part = TypeOf<typeof parts>[number];

/** Throws `validation_failed` for the result of a call that no message before it makes. */
export function toMessages(given: Message[]): ChatMessage[] {
  /** Names of the functions that were called so far, by the call's id. */
  const called = new Map<string, string>();
  return given.map((message, index) => toMessage(message, `messages.${index}`, called));
}

function toMessage(message: Message, path: string, called: Map<string, string>): ChatMessage {
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: joined(message.content) };
    case 'user':
      return { role: 'user', content: toContent(message.content) };
    case 'assistant': {
      const tool_calls = (message.tool_calls ?? []).map(toCall);
      for (const { id, name } of tool_calls) called.set(id, name);
      return {
        role: 'assistant',
        content: joined(message.content ?? ''),
        ...(tool_calls.length > 0 && { tool_calls }),
      };
    }
    case 'tool': {
      const { id } = splitOpaque(message.tool_call_id);
      const name = called.get(id);
      if (name === undefined)
        throw invalidField(`${path}.tool_call_id`, 'must be the id of a call in a message before it.');
      return { role: 'tool', tool_call_id: id, name, content: joined(message.content) };
    }
  }
}

const toCall = ({ id, function: { name, arguments: json } }: TypeOf<typeof call>): ToolCall => ({
  ...splitOpaque(id),
  name,
  arguments: json,
});

const joined = (content: Texts): string =>
  typeof content === 'string'
    ? content
    : content.map((part) => (part.type === 'text' ? part.text : part.refusal)).join('');

const toContent = (content: string | Part[]): string | (TextPart | ImagePart)[] =>
  typeof content === 'string' ? content : content.map(toPart);

function toPart(part: Part): TextPart | ImagePart {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text };
    case 'refusal':
      return { type: 'text', text: part.refusal };
    case 'image_url':
      return { type: 'image', url: part.image_url.url };
  }
}
