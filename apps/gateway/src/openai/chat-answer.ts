import {
  ProblemError,
  type Completion,
  type CompletionEnd,
  type CompletionHead,
  type CompletionToolCall,
  type OpenAiChatCompletion,
  type OpenAiUsage,
  type TokenUsage,
} from '@taai/contracts';
import { openAiError } from './error';

/** Millisecond fractions that are worth telling. */
const DECIMALS = 1;
const UNWRITABLE = /[^\x20-\x7e]/g;

/**
 * Who answered, and how long we took ourselves. `x-cost-micro-usd` only where the cost is known before the body.
 *
 * @param elapsed milliseconds since the request came in
 */
export function answerHeaders(head: CompletionHead, elapsed: number, usage?: TokenUsage): Record<string, string> {
  return {
    'x-provider': head.provider,
    // Whatever an agent's fallback is called, it must fit into a header.
    'x-model': head.model.replace(UNWRITABLE, '?'),
    'x-overhead-ms': Math.max(0, elapsed - head.provider_ms).toFixed(DECIMALS),
    ...(usage && usage.cost_micro_usd !== null && { 'x-cost-micro-usd': String(usage.cost_micro_usd) }),
  };
}

export const modelName = ({ provider, model }: CompletionHead): string => `${provider}/${model}`;

export const finishReason = ({ stop_reason }: CompletionEnd): string =>
  stop_reason === 'other' ? 'stop' : stop_reason;

/** OpenAI counts what came from or went to a cache as prompt, and reasoning as completion. What nobody told is 0 here. */
export function openAiUsage(usage: TokenUsage): OpenAiUsage {
  const { input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens } = usage;
  const prompt_tokens = (input_tokens ?? 0) + (cache_read_tokens ?? 0) + (cache_write_tokens ?? 0);
  const completion_tokens = (output_tokens ?? 0) + (reasoning_tokens ?? 0);
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    prompt_tokens_details: { cached_tokens: cache_read_tokens ?? 0, cache_write_tokens: cache_write_tokens ?? 0 },
    completion_tokens_details: { reasoning_tokens: reasoning_tokens ?? 0 },
  };
}

const secondsNow = () => Math.floor(Date.now() / 1000);

export function chatCompletion({ head, text, reasoning, tool_calls, end }: Completion): OpenAiChatCompletion {
  const message = {
    role: 'assistant' as const,
    content: text === '' && tool_calls.length > 0 ? null : text,
    refusal: null,
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(tool_calls.length > 0 && { tool_calls: tool_calls.map(toolCall) }),
  };
  return {
    id: `chatcmpl-${head.call_id}`,
    object: 'chat.completion',
    created: secondsNow(),
    model: modelName(head),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(end) }],
    usage: openAiUsage(end.usage),
  };
}

const toolCall = ({ id, name, arguments: text }: CompletionToolCall) => ({
  id,
  type: 'function',
  function: { name, arguments: text },
});

/**
 * What stands around the pieces of one streamed answer. It is written once per answer: a piece, which is the JSON of a delta already,
 * costs no more than being put between.
 */
export class ChunkFrame {
  private readonly fields: string;
  private readonly before: string;
  private readonly after: string;

  constructor(
    head: CompletionHead,
    private readonly include_usage: boolean,
  ) {
    const id = `chatcmpl-${head.call_id}`;
    const fields = { id, object: 'chat.completion.chunk', created: secondsNow(), model: modelName(head) };
    this.fields = `data: ${JSON.stringify(fields).slice(0, -1)}`;
    this.before = `${this.fields},"choices":[{"index":0,"delta":`;
    // Clients that ask for the usage find a null in all chunks but the last.
    this.after = `}]${include_usage ? ',"usage":null' : ''}}\n\n`;
  }

  first(): string {
    return this.around('{"role":"assistant","content":""}');
  }

  around(delta: string): string {
    return `${this.before}${delta},"logprobs":null,"finish_reason":null${this.after}`;
  }

  /** Why the answer ends, what it used if that was asked for, and that nothing follows; after a failure that instead. */
  last(end: CompletionEnd): string {
    const usage = this.include_usage ? this.usage(end.usage) : '';
    if (end.problem) return `${usage}data: ${openAiError(ProblemError.fromJSON(end.problem))}\n\n`;
    const reason = `${this.before}{},"logprobs":null,"finish_reason":"${finishReason(end)}"${this.after}`;
    return `${reason}${usage}data: [DONE]\n\n`;
  }

  private usage(usage: TokenUsage): string {
    const { cost_micro_usd } = usage;
    return `${this.fields},"choices":[],${JSON.stringify({ usage: openAiUsage(usage), cost_micro_usd }).slice(1)}\n\n`;
  }
}
