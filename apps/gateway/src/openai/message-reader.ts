import { invalidField, type CompletionMessage, type CompletionPart, type CompletionToolCall } from '@taai/contracts';
import { isAbsent, listAt, objectAt, oneOf, textAt, type Fields } from './fields';

const MAX_MESSAGES = 10_000;
const MAX_PARTS = 1000;
const MAX_TOOL_CALLS = 128;

const roles = ['system', 'developer', 'user', 'assistant', 'tool'] as const;
const IMAGE_URL = /^(https:\/\/|data:image\/)/;

/** OpenAI's messages in no vendor's terms. Throws `validation_failed` with the path of what is wrong. */
export function readMessages(value: unknown): CompletionMessage[] {
  const messages = listAt(value, 'messages', MAX_MESSAGES);
  if (messages.length === 0) throw invalidField('messages', 'must not be empty.');
  const called = new Map<string, string>();
  return messages.map((message, index) => readMessage(message, `messages[${index}]`, called));
}

/** @param called names of the functions that were called so far, by the call's id */
function readMessage(value: unknown, path: string, called: Map<string, string>): CompletionMessage {
  const message = objectAt(value, path);
  switch (oneOf(message['role'], `${path}.role`, roles)) {
    case 'system':
    case 'developer':
      return { role: 'system', content: readText(message['content'], `${path}.content`) };
    case 'user':
      return { role: 'user', content: readUserContent(message['content'], `${path}.content`) };
    case 'assistant':
      return readAssistant(message, path, called);
    case 'tool':
      return readToolMessage(message, path, called);
  }
}

function readAssistant(message: Fields, path: string, called: Map<string, string>): CompletionMessage {
  const content = isAbsent(message['content']) ? '' : readText(message['content'], `${path}.content`);
  if (isAbsent(message['tool_calls'])) return { role: 'assistant', content };
  const calls = listAt(message['tool_calls'], `${path}.tool_calls`, MAX_TOOL_CALLS);
  const tool_calls = calls.map((call, index) => readToolCall(call, `${path}.tool_calls[${index}]`));
  for (const { id, name } of tool_calls) called.set(id, name);
  return { role: 'assistant', content, ...(tool_calls.length > 0 && { tool_calls }) };
}

function readToolCall(value: unknown, path: string): CompletionToolCall {
  const call = objectAt(value, path);
  const called = objectAt(call['function'], `${path}.function`);
  return {
    id: textAt(call['id'], `${path}.id`),
    name: textAt(called['name'], `${path}.function.name`),
    arguments: textAt(called['arguments'], `${path}.function.arguments`),
  };
}

function readToolMessage(message: Fields, path: string, called: Map<string, string>): CompletionMessage {
  const tool_call_id = textAt(message['tool_call_id'], `${path}.tool_call_id`);
  const name = called.get(tool_call_id);
  if (name === undefined)
    throw invalidField(`${path}.tool_call_id`, 'must be the id of a call in a message before it.');
  return { role: 'tool', tool_call_id, name, content: readText(message['content'], `${path}.content`) };
}

/** Text, or parts of which all are text. */
function readText(content: unknown, path: string): string {
  if (typeof content === 'string') return content;
  const parts = listAt(content, path, MAX_PARTS).map((part, index) => readPart(part, `${path}[${index}]`));
  return parts.map((part, index) => textOf(part, `${path}[${index}]`)).join('');
}

function textOf(part: CompletionPart, path: string): string {
  if (part.type !== 'text') throw invalidField(`${path}.type`, 'must be text here.');
  return part.text;
}

function readUserContent(content: unknown, path: string): string | CompletionPart[] {
  if (typeof content === 'string') return content;
  const parts = listAt(content, path, MAX_PARTS);
  if (parts.length === 0) throw invalidField(path, 'must not be empty.');
  return parts.map((part, index) => readPart(part, `${path}[${index}]`));
}

function readPart(value: unknown, path: string): CompletionPart {
  const part = objectAt(value, path);
  switch (oneOf(part['type'], `${path}.type`, ['text', 'refusal', 'image_url'])) {
    case 'text':
      return { type: 'text', text: textAt(part['text'], `${path}.text`) };
    case 'refusal':
      return { type: 'text', text: textAt(part['refusal'], `${path}.refusal`) };
    case 'image_url':
      return { type: 'image', url: readImage(part['image_url'], `${path}.image_url`) };
  }
}

function readImage(value: unknown, path: string): string {
  const url = textAt(objectAt(value, path)['url'], `${path}.url`);
  if (!IMAGE_URL.test(url)) throw invalidField(`${path}.url`, 'must be an https address or a data URL of an image.');
  return url;
}
