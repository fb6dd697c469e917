import { invalidField } from '@taai/contracts';
import type { WireQuestion } from './wire';
import { assertKnown, lastMessage, textOf, type Body } from './wire-body';

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
  return { text: typeof content === 'string' ? content : textOf(content, `${path}.content`), earlier };
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
