import type { ChatDialect } from './dialect';
import { echoError } from './testing/echo/error';
import { echoReply } from './testing/echo/reply';
import { echoRequest } from './testing/echo/request';
import { echoStream } from './testing/echo/stream';

/** An API that nobody speaks: what a dialect must say, and nothing else. */
export const echo: ChatDialect = {
  name: 'echo',
  kind: 'chat',
  http: 'POST /v1/echo',
  summary: 'Ask a model, and hear what it says',
  request: echoRequest,
  stream: echoStream,
  reply: echoReply,
  error: echoError,
};
