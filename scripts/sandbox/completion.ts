import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call } from './calls.ts';
import { answer, ApiError, promptTokens, type ChatRequest } from './chat-request.ts';

// Nobody hangs for ever, not even here.
const LONGEST_HANG_MS = 15 * 60_000;

interface Answer {
  tokens: string[];
  finish_reason: 'stop' | 'length';
  /** One token is one word between white space: of all messages in the prompt, of the answer in the completion. */
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
}

/** Answers one chat completion, as told by its directives. Rejects with an `AbortError` when the client leaves. */
export async function complete(request: ChatRequest, call: Call, response: ServerResponse): Promise<void> {
  const { fail, retry_after } = request.directives;
  const gone = watch(call, response);
  if (fail !== undefined)
    throw new ApiError(fail, 'The sandbox fails because it was asked to.', { code: 'sandbox_failure', retry_after });
  const reply = compose(request);
  await (request.stream ? sendStream : sendWhole)(request, reply, call, response, gone);
}

/** A signal that aborts when the client closes its socket before the answer is out. */
function watch(call: Call, response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const closed = (): void => {
    call.aborted = !response.writableEnded && response.errored === null;
    controller.abort();
  };
  if (response.destroyed) closed();
  else response.once('close', closed);
  return controller.signal;
}

function compose(request: ChatRequest): Answer {
  const whole = answer(request);
  const tokens = whole.slice(0, request.max_tokens);
  const prompt_tokens = promptTokens(request.messages);
  return {
    tokens,
    finish_reason: tokens.length < whole.length ? 'length' : 'stop',
    usage: { prompt_tokens, completion_tokens: tokens.length, total_tokens: prompt_tokens + tokens.length },
  };
}

type Send = (
  request: ChatRequest,
  reply: Answer,
  call: Call,
  response: ServerResponse,
  gone: AbortSignal,
) => Promise<void>;

const sendStream: Send = async (request, { tokens, finish_reason, usage }, call, response, gone) => {
  const head = envelope(call, 'chat.completion.chunk');
  const send = async (
    choices: object[],
    more: object = request.include_usage ? { usage: null } : {},
  ): Promise<void> => {
    const sent = response.write(`data: ${JSON.stringify({ ...head, choices, ...more })}\n\n`);
    if (!sent) await once(response, 'drain', { signal: gone });
  };
  const choice = (delta: object, reason: string | null = null) => [
    { index: 0, delta, logprobs: null, finish_reason: reason },
  ];

  await pace(request, 0, response, gone);
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  await send(choice({ role: 'assistant', content: '' }));
  for (const [index, token] of tokens.entries()) {
    await sleep(request.directives.delay, undefined, { signal: gone });
    await send(choice({ content: index === 0 ? token : ` ${token}` }));
    call.tokens_sent = index + 1;
    await pace(request, index + 1, response, gone);
  }
  await send(choice({}, finish_reason));
  if (request.include_usage) await send([], { usage });
  response.end('data: [DONE]\n\n');
  call.finished = true;
};

const sendWhole: Send = async (request, { tokens, finish_reason, usage }, call, response, gone) => {
  for (const index of tokens.keys()) {
    await pace(request, index, response, gone);
    await sleep(request.directives.delay, undefined, { signal: gone });
  }
  const message = { role: 'assistant', content: tokens.join(' '), refusal: null };
  const choices = [{ index: 0, message, logprobs: null, finish_reason }];
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ ...envelope(call, 'chat.completion'), choices, usage }));
  Object.assign(call, { finished: true, tokens_sent: tokens.length });
};

/** Cuts or hangs where the directives say so. */
async function pace(
  { directives }: ChatRequest,
  sent: number,
  response: ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  if (directives.cut === sent) {
    response.destroy(new Error('Cut because it was asked to.'));
    await once(response, 'close');
    gone.throwIfAborted();
  }
  if (directives.hang === sent) {
    await sleep(LONGEST_HANG_MS, undefined, { signal: gone });
    response.destroy();
  }
}

const envelope = (call: Call, object: string) => ({ id: call.id, object, created: 1_767_225_600, model: call.model });
