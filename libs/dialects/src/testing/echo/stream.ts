import type { ChatAsked, StreamShape } from '../../dialect';
import { textOf } from '../../chat-event';
import { echoError } from './error';

export const echoStream: StreamShape<ChatAsked> = {
  open: ({ provider }) => ({
    begin: () => `event: from\ndata: ${provider}\n\n`,
    event: (event) => `event: says\ndata: ${textOf(event)}\n\n`,
    end: ({ stop_reason }) => `event: over\ndata: ${stop_reason}\n\n`,
  }),
  fail: (problem) => `event: oops\ndata: ${echoError.write(problem)}\n\n`,
};
