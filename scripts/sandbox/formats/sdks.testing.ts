import Anthropic from '@anthropic-ai/sdk';
import {
  GoogleGenerativeAI,
  type Content,
  type FunctionDeclaration,
  type GenerateContentResponse,
} from '@google/generative-ai';
import Groq from 'groq-sdk';
import { Ollama, type ChatResponse, type Message as OllamaMessage } from 'ollama';
import OpenAI from 'openai';
import { sandboxBaseUrl, type SandboxKind } from '../base-url';
import type { Message, Tool } from '../chat';
import { parseObject } from '../json';

/** One question through a vendor's official SDK, in no vendor's words. */
export interface Question {
  messages: Message[];
  tools?: Tool[];
  schema?: Record<string, unknown>;
  max_tokens?: number;
  signal?: AbortSignal;
}

/** What the SDK made of the answer. */
export interface Told {
  text: string;
  reasoning: string;
  tool_calls: { name: string; arguments: object }[];
  stop: string | null | undefined;
  usage: object | null | undefined;
  /** Pieces of text. */
  pieces: number;
}

export interface Sdk {
  chat(question: Question): Promise<Told>;
  stream(question: Question): Promise<Told>;
}

const nothing = (): Told => ({ text: '', reasoning: '', tool_calls: [], stop: null, usage: null, pieces: 0 });

const toTools = (tools?: Tool[]) =>
  tools?.map(({ name, schema }) => ({ type: 'function' as const, function: { name, parameters: schema } }));

function openaiLike(client: OpenAI | Groq): Sdk {
  // Groq's client has the same methods.
  const { completions } = client.chat as OpenAI['chat'];
  const ask = ({ messages, tools, schema, max_tokens }: Question) => ({
    model: 'sandbox-1',
    messages: messages.map(({ tool_calls, ...message }) => ({
      ...message,
      ...(tool_calls && {
        tool_calls: tool_calls.map(({ id, name, arguments: args }) => ({
          id,
          type: 'function',
          function: { name, arguments: args },
        })),
      }),
    })) as OpenAI.ChatCompletionMessageParam[],
    max_tokens,
    tools: toTools(tools),
    ...(schema && {
      response_format: { type: 'json_schema' as const, json_schema: { name: 'answer', schema } },
    }),
  });
  return {
    async chat(question) {
      const { choices, usage } = await completions.create(ask(question), { signal: question.signal });
      const message = choices[0]?.message as { content: string | null; reasoning?: string; tool_calls?: unknown[] };
      const calls = choices[0]?.message.tool_calls?.flatMap((call) => ('function' in call ? [call.function] : []));
      return {
        text: message.content ?? '',
        reasoning: message.reasoning ?? '',
        tool_calls: (calls ?? []).map((call) => ({ ...call, arguments: parseObject(call.arguments) })),
        stop: choices[0]?.finish_reason,
        usage,
        pieces: 1,
      };
    },
    async stream(question) {
      const told = nothing();
      const calls: { name: string; arguments: string }[] = [];
      const body = { ...ask(question), stream: true as const, stream_options: { include_usage: true } };
      for await (const chunk of await completions.create(body, { signal: question.signal })) {
        const { usage, x_groq } = chunk as { usage?: object | null; x_groq?: { usage?: object } };
        told.usage = x_groq?.usage ?? usage ?? told.usage;
        const [choice] = chunk.choices;
        if (!choice) continue;
        const {
          content,
          reasoning = '',
          tool_calls = [],
        } = choice.delta as typeof choice.delta & { reasoning?: string };
        told.text += content ?? '';
        told.reasoning += reasoning;
        if (content) told.pieces++;
        for (const { index, function: part } of tool_calls) {
          calls[index] ??= { name: '', arguments: '' };
          calls[index].name += part?.name ?? '';
          calls[index].arguments += part?.arguments ?? '';
        }
        told.stop = choice.finish_reason ?? told.stop;
      }
      return { ...told, tool_calls: calls.map((call) => ({ ...call, arguments: parseObject(call.arguments) })) };
    },
  };
}

function anthropic(client: Anthropic): Sdk {
  const ask = ({ messages, tools, schema, max_tokens = 4_096 }: Question) => ({
    model: 'sandbox-1',
    max_tokens,
    system: messages.find(({ role }) => role === 'system')?.content,
    messages: messages.flatMap(({ role, content, tool_calls = [], tool_call_id = '' }): Anthropic.MessageParam[] => {
      if (role === 'system') return [];
      if (role === 'tool')
        return [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: tool_call_id, content }] }];
      if (role === 'user') return [{ role, content }];
      const uses = tool_calls.map(({ id, name, arguments: args }) => ({
        type: 'tool_use' as const,
        id,
        name,
        input: parseObject(args),
      }));
      return [{ role, content: [...(content ? [{ type: 'text' as const, text: content }] : []), ...uses] }];
    }),
    tools: tools?.map(({ name, schema: input_schema }) => ({
      name,
      input_schema: { type: 'object' as const, ...input_schema },
    })),
    ...(schema && { output_config: { format: { type: 'json_schema' as const, schema } } }),
  });
  const tell = ({ content, stop_reason, usage }: Anthropic.Message, pieces: number): Told => ({
    text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    reasoning: content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
    tool_calls: content.flatMap((block) =>
      block.type === 'tool_use' ? [{ name: block.name, arguments: block.input as object }] : [],
    ),
    stop: stop_reason,
    usage,
    pieces,
  });
  return {
    chat: async (question) => tell(await client.messages.create(ask(question), { signal: question.signal }), 1),
    async stream(question) {
      let pieces = 0;
      const stream = client.messages.stream(ask(question), { signal: question.signal });
      stream.on('text', (text) => (pieces += text === '' ? 0 : 1));
      return tell(await stream.finalMessage(), pieces);
    },
  };
}

function google(url: string, key: string): Sdk {
  const ask = ({ messages, tools, schema, max_tokens }: Question) => ({
    systemInstruction: messages.find(({ role }) => role === 'system')?.content,
    contents: messages.flatMap(({ role, content, tool_calls = [], tool_call_id = '' }): Content[] => {
      if (role === 'system') return [];
      if (role === 'tool')
        return [{ role: 'function', parts: [{ functionResponse: { name: tool_call_id, response: { content } } }] }];
      const calls = tool_calls.map(({ name, arguments: args }) => ({
        functionCall: { name, args: parseObject(args) },
      }));
      return [{ role: role === 'user' ? role : 'model', parts: [...(content ? [{ text: content }] : []), ...calls] }];
    }),
    tools: tools && [
      {
        functionDeclarations: tools.map(
          ({ name, schema }) => ({ name, parameters: schema }) as unknown as FunctionDeclaration,
        ),
      },
    ],
    generationConfig: {
      maxOutputTokens: max_tokens,
      ...(schema && { responseMimeType: 'application/json', responseSchema: schema as never }),
    },
  });
  const model = new GoogleGenerativeAI(key).getGenerativeModel({ model: 'sandbox-1' }, { baseUrl: url });
  const add = (told: Told, { candidates, usageMetadata }: GenerateContentResponse): Told => {
    const parts = (candidates?.[0]?.content.parts ?? []) as {
      text?: string;
      thought?: boolean;
      functionCall?: { name: string; args: object };
    }[];
    for (const { text = '', thought, functionCall } of parts) {
      if (thought) told.reasoning += text;
      else told.text += text;
      if (text && !thought) told.pieces++;
      if (functionCall) told.tool_calls.push({ name: functionCall.name, arguments: functionCall.args });
    }
    told.stop = candidates?.[0]?.finishReason ?? told.stop;
    told.usage = usageMetadata ?? told.usage;
    return told;
  };
  return {
    chat: async (question) => {
      const { response } = await model.generateContent(ask(question), { signal: question.signal });
      return add(nothing(), response);
    },
    async stream(question) {
      const told = nothing();
      const { stream, response } = await model.generateContentStream(ask(question), { signal: question.signal });
      response.catch(() => undefined);
      for await (const chunk of stream) add(told, chunk);
      return told;
    },
  };
}

function ollama(url: string, key: string): Sdk {
  const ask = ({ messages, tools, schema, max_tokens }: Question) => ({
    model: 'sandbox-1',
    messages: messages.map(({ role, content, tool_calls, tool_call_id }): OllamaMessage => ({
      role,
      content,
      ...(tool_calls && {
        tool_calls: tool_calls.map(({ name, arguments: args }) => ({
          function: { name, arguments: parseObject(args) },
        })),
      }),
      ...(tool_call_id && { tool_name: tool_call_id }),
    })),
    tools: toTools(tools),
    ...(schema && { format: schema }),
    ...(max_tokens && { options: { num_predict: max_tokens } }),
  });
  const add = (told: Told, { message, done, done_reason, prompt_eval_count, eval_count }: ChatResponse): Told => {
    told.text += message.content;
    told.reasoning += message.thinking ?? '';
    if (message.content) told.pieces++;
    told.tool_calls.push(...(message.tool_calls ?? []).map((call) => call.function));
    if (done) Object.assign(told, { stop: done_reason, usage: { prompt_eval_count, eval_count } });
    return told;
  };
  const client = ({ signal }: Question) =>
    new Ollama({
      host: url,
      headers: { authorization: `Bearer ${key}` },
      fetch: (input, init) =>
        fetch(input, { ...init, signal: AbortSignal.any([signal, init?.signal].filter((one) => one != null)) }),
    });
  return {
    chat: async (question) => add(nothing(), await client(question).chat({ ...ask(question), stream: false })),
    async stream(question) {
      const told = nothing();
      for await (const part of await client(question).chat({ ...ask(question), stream: true })) add(told, part);
      return told;
    },
  };
}

/** The vendor's SDK on the sandbox at `url`. */
export function sdk(kind: SandboxKind, url: string, apiKey = 'sk-sandbox'): Sdk {
  const baseURL = sandboxBaseUrl(kind, url);
  const options = { apiKey, baseURL, maxRetries: 0, logLevel: 'off' as const };
  switch (kind) {
    case 'openai':
      return openaiLike(new OpenAI(options));
    case 'groq':
      return openaiLike(new Groq(options));
    case 'anthropic':
      return anthropic(new Anthropic(options));
    case 'google':
      return google(baseURL, apiKey);
    case 'ollama':
      return ollama(baseURL, apiKey);
  }
}
