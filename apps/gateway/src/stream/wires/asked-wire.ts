import { invalidField, isWireFormat, wireFormats, type WireFormat, type WireUse } from '@taai/contracts';
import type { FastifyRequest } from 'fastify';
import { agUi } from './ag-ui';
import { aiSdk } from './ai-sdk';
import type { Wire } from './wire';
import { withoutParts } from './content-parts';
import { isBody, type Body } from './wire-body';

const wires: Record<WireFormat, Wire> = { 'ai-sdk': aiSdk, 'ag-ui': agUi };

/** The wire that the request asks for by `?format=`, else by a media type in `Accept`. Throws `validation_failed` for a format that is none. */
export function wireOf({ query, headers }: Pick<FastifyRequest, 'query' | 'headers'>): Wire | undefined {
  const asked = isBody(query) ? query['format'] : undefined;
  if (asked !== undefined && !isWireFormat(asked))
    throw invalidField('format', `must be one of the following values: ${wireFormats.join(', ')}`);
  const format = asked ?? acceptedFormat(headers.accept);
  return isWireFormat(format) ? wires[format] : undefined;
}

/** `ai-sdk` of `text/event-stream;format=ai-sdk`. */
function acceptedFormat(accept = ''): string | undefined {
  const ranges = accept.split(',').map((range) => range.split(';').map((part) => part.trim().toLowerCase()));
  const streams = ranges.filter(([type]) => type === 'text/event-stream');
  const parameter = streams.flat().find((part) => part.startsWith('format='));
  return parameter?.slice('format='.length).replaceAll('"', '');
}

/**
 * The route's own body in the place of the wire's, which has `messages`; content parts in ours become a text and files. Throws
 * `validation_failed` for what would be lost.
 */
export function ownBody(body: Body, wire: Wire | undefined, { question, files, remembers = false }: WireUse): Body {
  if (question === undefined) return body;
  if (!wire || !('messages' in body)) return files === undefined ? body : withoutParts(body, question, files);
  const said = wire.read(body);
  if (said.earlier > 0 && !remembers)
    throw invalidField('messages', 'must be one: a run knows no earlier ones, a conversation does');
  if (said.files.length === 0) return { [question]: said.text };
  if (files === undefined) throw invalidField('messages', 'must have no files: a conversation takes some');
  return { [question]: said.text, [files]: said.files };
}
