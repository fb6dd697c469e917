import {
  lastUserMessage,
  type Answer,
  type ChatRequest,
  type Message,
  type Piece,
  type ToolCall,
  type Usage,
} from './chat.ts';
import { withoutDirectives, type Directives } from './directives.ts';
import type { Json } from './json.ts';
import { sample } from './sample.ts';
import { promptTokens, type Tokenizer } from './tokens.ts';

const QUOTED_CHARACTERS = 1_000;
const THOUGHT = ' I think about what I heard.';
const INTRODUCTION =
  'I am the sandbox model: I quote what I hear, token by token, so that everything can be tried without a key. ' +
  'Add a provider with a key of yours, and a real model answers here.';

/** @param id of the call, for those of its tools. */
export function compose(request: ChatRequest, directives: Directives, tokenizer: Tokenizer, id: string): Answer {
  const prompt_tokens = promptTokens(tokenizer, request.messages);
  const reasoning = repeat(tokenizer, THOUGHT, Math.min(directives.reason ?? 0, request.max_tokens));
  const tool_calls = callTools(request, directives, id);
  const whole = tool_calls.length > 0 ? [] : say(request, directives, tokenizer);
  const said = whole.slice(0, request.max_tokens - reasoning.length);
  const pieces: Piece[] = [
    ...reasoning.map((text) => ({ type: 'reasoning' as const, text })),
    ...said.map((text) => ({ type: 'text' as const, text })),
    ...tool_calls.flatMap((call, index) => callPieces(call, index, tokenizer)),
  ];
  return {
    pieces,
    reasoning: reasoning.join(''),
    text: said.join(''),
    tool_calls,
    stop: tool_calls.length > 0 ? 'tool_calls' : said.length < whole.length ? 'length' : 'stop',
    prompt_tokens,
    usage: tell(directives, { prompt_tokens, completion_tokens: pieces.length }, reasoning.length),
  };
}

const tell = ({ usage, cached, reason }: Directives, counts: Usage, reasoning_tokens: number): Usage | null =>
  usage === 'none'
    ? null
    : {
        ...counts,
        ...(cached !== undefined && { cached_tokens: Math.min(cached, counts.prompt_tokens) }),
        ...(reason !== undefined && { reasoning_tokens }),
      };

/** The calls of the script's next step, else one that the client insists on. */
function callTools({ messages, tools, tool_choice }: ChatRequest, { steps }: Directives, id: string): ToolCall[] {
  if (tool_choice === 'none') return [];
  const isScripted = steps.some(({ length }) => length > 0);
  const calls = isScripted
    ? (steps[stepsDone(messages)] ?? []).filter(({ name }) => tools.some((tool) => tool.name === name))
    : tools
        .filter(({ name }) =>
          typeof tool_choice === 'object' ? tool_choice.name === name : tool_choice === 'required',
        )
        .slice(0, 1)
        .map(({ name, schema }) => ({ name, arguments: JSON.stringify(sample(schema)) }));
  return calls.map((call, index) => ({ id: `call_${id}_${index}`, ...call }));
}

const sinceLastUser = (messages: Message[]): Message[] =>
  messages.slice(messages.findLastIndex(({ role }) => role === 'user') + 1);

const stepsDone = (messages: Message[]): number =>
  sinceLastUser(messages).filter(({ tool_calls = [] }) => tool_calls.length > 0).length;

/** A call's tokens: one for its name, and those of its arguments. */
function callPieces(call: ToolCall, index: number, { split }: Tokenizer): Piece[] {
  const parts = split(call.arguments);
  const last = parts.length - 1;
  return [
    { type: 'call', index, call },
    ...parts.map((text, at) => ({ type: 'arguments' as const, index, call, text, is_last: at === last })),
  ];
}

/** What the model says, one string a token. */
function say({ messages, schema }: ChatRequest, { tokens }: Directives, tokenizer: Tokenizer): readonly string[] {
  if (schema) return tokenizer.split(JSON.stringify(fitting(schema)));
  const results = sinceLastUser(messages).filter(({ role }) => role === 'tool');
  const tools =
    results.length === 0 ? '' : `The tools answered: ${results.map(({ content }) => quote(content)).join(', ')}. `;
  const reply = `You wrote: ${quote(withoutDirectives(lastUserMessage(messages)))}. ${tools}${INTRODUCTION}`;
  return tokens === undefined ? tokenizer.split(reply) : repeat(tokenizer, reply, tokens);
}

const fitting = (schema: Json): unknown =>
  Object.keys(schema).length > 0 ? sample(schema) : { sandbox: INTRODUCTION };

const quote = (text: string): string =>
  `“${text.length > QUOTED_CHARACTERS ? `${text.slice(0, QUOTED_CHARACTERS)} …` : text}”`;

/** As many tokens of the text as wanted, over and over. */
function repeat({ split }: Tokenizer, text: string, tokens: number): string[] {
  const pieces = [...split(text)];
  // With its space, so that the text's end and its beginning do not become one token.
  const again = split(` ${text.trimStart()}`);
  while (pieces.length < tokens) for (const piece of again) pieces.push(piece);
  return pieces.slice(0, tokens);
}
