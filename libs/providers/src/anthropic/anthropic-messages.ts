import type { Anthropic } from '@anthropic-ai/sdk';
import { readImage } from '../image';
import { list, parseArguments, parseJson, record, text } from '../json';
import { ProviderError } from '../provider-error';
import type { ChatMessage, FilePart, ImagePart, ToolCall } from '../types';

type Block = Anthropic.ContentBlockParam;
type ImageType = Anthropic.Base64ImageSource['media_type'];
type Thought = Anthropic.ThinkingBlockParam | Anthropic.RedactedThinkingBlockParam;

const imageTypes: readonly string[] = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'] satisfies ImageType[];

export const systemTexts = (messages: readonly ChatMessage[]): string[] =>
  messages.flatMap((message) => (message.role === 'system' && message.content ? [message.content] : []));

/** Turns in which user and assistant alternate; results of tools are the user's. */
export function toMessages(messages: readonly ChatMessage[]): Anthropic.MessageParam[] {
  const turns: { role: 'user' | 'assistant'; content: Block[] }[] = [];
  for (const message of messages) {
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const blocks = toBlocks(message);
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...blocks);
    else if (blocks.length > 0) turns.push({ role, content: blocks });
  }
  return turns;
}

function toBlocks(message: ChatMessage): Block[] {
  switch (message.role) {
    case 'system':
      return [];
    case 'tool':
      return [{ type: 'tool_result', tool_use_id: message.tool_call_id, content: message.content }];
    case 'assistant':
      return assistantBlocks(message.content, message.tool_calls ?? []);
    case 'user':
      if (typeof message.content === 'string') return textBlocks(message.content);
      return message.content.flatMap((part): Block[] =>
        part.type === 'text' ? textBlocks(part.text) : [part.type === 'image' ? imageBlock(part) : documentBlock(part)],
      );
  }
}

/** As they came: thoughts first, then text, then calls, between which the model may have thought again. */
function assistantBlocks(content: string, calls: ToolCall[]): Block[] {
  const uses = calls.flatMap((call, index): Block[] => [...(index > 0 ? thoughtsOf(call) : []), toolUse(call)]);
  return [...thoughtsOf(calls[0]), ...textBlocks(content), ...uses];
}

/** Empty ones are refused. */
const textBlocks = (content: string): Anthropic.TextBlockParam[] => (content ? [{ type: 'text', text: content }] : []);

const toolUse = (call: ToolCall): Anthropic.ToolUseBlockParam => ({
  type: 'tool_use',
  id: call.id,
  name: call.name,
  input: parseArguments(call.arguments),
});

function imageBlock(part: ImagePart): Anthropic.ImageBlockParam {
  const image = readImage(part.url);
  if ('url' in image) return { type: 'image', source: { type: 'url', url: image.url } };
  if (!isImageType(image.media_type))
    throw new ProviderError('invalid_request', 'Anthropic takes JPEG, PNG, GIF and WebP images.');
  return { type: 'image', source: { type: 'base64', media_type: image.media_type, data: image.data } };
}

const documentBlock = ({ filename: title, media_type, data }: FilePart): Anthropic.DocumentBlockParam => ({
  type: 'document',
  title,
  source: { type: 'base64', media_type, data },
});

const isImageType = (media_type: string): media_type is ImageType => imageTypes.includes(media_type);

/** What the model thought before the call, signed by Anthropic. Another vendor's `opaque` is nothing here. */
export const thoughtsOf = (call: ToolCall | undefined): Thought[] =>
  list(parseJson(call?.opaque ?? '')).flatMap(readThought);

function readThought(value: unknown): Thought[] {
  const { type, thinking, signature, data } = record(value);
  const [thought, sealed, hidden] = [text(thinking), text(signature), text(data)];
  if (type === 'thinking' && thought !== null && sealed) return [{ type, thinking: thought, signature: sealed }];
  if (type === 'redacted_thinking' && hidden) return [{ type, data: hidden }];
  return [];
}
