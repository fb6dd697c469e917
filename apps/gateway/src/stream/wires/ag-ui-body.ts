import { invalidField, type MessageFile } from '@taai/contracts';
import { asDataUrl, fileAt, saidIn, textIn } from './said';
import type { WireQuestion } from './wire';
import { assertKnown, isBody, lastMessage, type Body } from './wire-body';

/** What an agent of ours cannot make use of: its tools, its state and its interrupts are not the client's. */
const unused = ['tools', 'context', 'resume', 'state', 'forwardedProps'];
const fields = new Set(['threadId', 'runId', 'parentRunId', 'protocolVersion', 'messages', ...unused]);

/** AG-UI's `RunAgentInput`, of which the last message counts. Ids of run and thread are ours, and told in `RUN_STARTED`. */
export function readRunAgentInput(body: Body): WireQuestion {
  assertKnown(body, fields);
  const lost = unused.find((name) => !isEmpty(body[name]));
  if (lost !== undefined) throw invalidField(lost, 'must be empty: the agent has its own');
  const { message, path, earlier } = lastMessage(body);
  const { content } = message;
  const said = typeof content === 'string' ? { text: content, files: [] } : saidIn(content, `${path}.content`, fileOf);
  return { ...said, earlier };
}

/** An image or a document, or `binary`, as they were called before 1.0. */
function fileOf(part: Body, path: string): MessageFile {
  const { type, source } = part;
  if (type === 'binary') return fileOfBinary(part, path);
  if (type !== 'image' && type !== 'document')
    throw invalidField(`${path}.type`, 'must be text, image, document or binary');
  if (!isBody(source)) throw invalidField(`${path}.source`, 'must be an object');
  const value = textIn(source, 'value', `${path}.source`);
  switch (source['type']) {
    case 'data':
      return { url: asDataUrl(value, textIn(source, 'mimeType', `${path}.source`)) };
    case 'url':
      return { url: value };
    case 'file':
      return { file_id: value };
    default:
      throw invalidField(`${path}.source.type`, 'must be data, url or file');
  }
}

function fileOfBinary(part: Body, path: string): MessageFile {
  if (part['id'] !== undefined) return { file_id: textIn(part, 'id', path) };
  if (part['url'] !== undefined) return fileAt(textIn(part, 'url', path), part, path);
  return fileAt(asDataUrl(textIn(part, 'data', path), textIn(part, 'mimeType', path)), part, path);
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
