import type { Message } from '@ag-ui/client';
import type { UIMessage } from 'ai';
import type { Json } from './client';

/** What a client knows of a run, whichever its wire. */
export interface Account {
  text: string;
  reasoning: string;
  calls: { id: string; name: string; input: unknown; output: unknown }[];
}

interface Event {
  type: string;
  data: Json;
}

const joined = (pieces: readonly string[]) => pieces.join('');

/** Of events in our own words. */
export const accountOfEvents = (events: readonly Event[]): Account => {
  const told = (wanted: string) => events.flatMap(({ type, data }) => (type === wanted ? [data] : []));
  const results = told('tool.result');
  return {
    text: joined(told('token').map(({ text }) => text)),
    reasoning: joined(told('reasoning').map(({ text }) => text)),
    calls: told('tool.call').map(({ id, name, arguments: input }) => {
      const output = results.find((result) => result.id === id)?.result;
      return { id, name, input, output };
    }),
  };
};

/** Of a message of the AI SDK. */
export const accountOfUi = ({ parts }: UIMessage): Account => ({
  text: joined(parts.flatMap((part) => (part.type === 'text' ? [part.text] : []))),
  reasoning: joined(parts.flatMap((part) => (part.type === 'reasoning' ? [part.text] : []))),
  calls: parts.flatMap((part) => {
    if (part.type !== 'dynamic-tool') return [];
    return [{ id: part.toolCallId, name: part.toolName, input: part.input, output: part.output }];
  }),
});

const contentOf = ({ content }: Message): string => (typeof content === 'string' ? content : '');

/** Of messages of AG-UI. */
export function accountOfAgUi(messages: readonly Message[]): Account {
  const said = (role: string) => joined(messages.filter((message) => message.role === role).map(contentOf));
  const outputOf = (id: string): unknown => {
    const answer = messages.find((message) => message.role === 'tool' && message.toolCallId === id);
    return answer && JSON.parse(contentOf(answer));
  };
  const calls = messages.flatMap((message) => (message.role === 'assistant' ? (message.toolCalls ?? []) : []));
  return {
    text: said('assistant'),
    reasoning: said('reasoning'),
    calls: calls.map(({ id, function: { name, arguments: input } }) => {
      return { id, name, input: JSON.parse(input), output: outputOf(id) };
    }),
  };
}
