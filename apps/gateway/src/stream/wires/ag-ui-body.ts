import { invalidField, type MessageFile } from '@taai/contracts';
import { asDataUrl, fileAt, saidIn, textIn } from './said';
import type { WireQuestion } from './wire';
import { callIdAt, decisionAt, runIdAt, type WireAnswer } from './wire-answer';
import { assertKnown, isBody, lastMessage, type Body } from './wire-body';

/** What an agent of ours cannot make use of: its tools and its state are not the client's. */
const unused = ['tools', 'context', 'state', 'forwardedProps'];
const fields = new Set(['threadId', 'runId', 'parentRunId', 'protocolVersion', 'messages', 'resume', ...unused]);

/** AG-UI's `RunAgentInput`, of which the last message counts. Ids of run and thread are ours, and told in `RUN_STARTED`. */
export function readRunAgentInput(body: Body): WireQuestion {
  assertUsable(body);
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

/** The interrupt that a tool call is which waits for a person. */
export const interruptId = (run: string, call: string): string => `${run}:${call}`;

/** The entries of `resume`, which answer the interrupts of one run: `{approved}` in each one's payload. One that is `cancelled` refuses. */
export function readResume(body: Body): WireAnswer | undefined {
  const { resume } = body;
  if (isEmpty(resume)) return undefined;
  assertUsable(body);
  if (!Array.isArray(resume)) throw invalidField('resume', 'must be an array');
  const answers = resume.map((entry: unknown, at) => answerOf(entry, `resume.${at}`));
  const [{ run_id } = { run_id: '' }] = answers;
  const other = answers.findIndex((answer) => answer.run_id !== run_id);
  if (other !== -1) throw invalidField(`resume.${other}.interruptId`, 'must be of the same run');
  return { run_id, decisions: answers.map(({ decision }) => decision) };
}

function answerOf(entry: unknown, path: string) {
  if (!isBody(entry)) throw invalidField(path, 'must be an object');
  const { interruptId: id, status, payload } = entry;
  if (!isEmpty(entry['metadata'])) throw invalidField(`${path}.metadata`, 'should not exist: nobody would read it');
  if (status !== 'resolved' && status !== 'cancelled')
    throw invalidField(`${path}.status`, 'must be resolved or cancelled');
  const [run, call] = typeof id === 'string' ? splitAtFirst(id, ':') : [];
  const extra = isBody(payload) ? Object.keys(payload).find((name) => name !== 'approved') : undefined;
  if (extra !== undefined) throw invalidField(`${path}.payload.${extra}`, 'should not exist');
  const approved = status === 'resolved' && (isBody(payload) ? payload['approved'] : undefined);
  return {
    run_id: runIdAt(run, `${path}.interruptId`),
    decision: {
      tool_call_id: callIdAt(call, `${path}.interruptId`),
      decision: decisionAt(approved, `${path}.payload.approved`),
    },
  };
}

function splitAtFirst(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + mark.length)];
}

function assertUsable(body: Body): void {
  assertKnown(body, fields);
  const lost = unused.find((name) => !isEmpty(body[name]));
  if (lost !== undefined) throw invalidField(lost, 'must be empty: the agent has its own');
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
