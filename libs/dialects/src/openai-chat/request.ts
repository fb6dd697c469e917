import { assertStorable, invalidField } from '@taai/contracts';
import type { ChatRequest, JsonObject, ResponseFormat, ToolDefinition } from '@taai/providers';
import type { ChatAsked, RequestShape } from '../dialect';
import { present, reader } from '../reader';
import {
  anyObject,
  anything,
  boolean,
  described,
  either,
  integer,
  list,
  number,
  object,
  oneOf,
  tagged,
  text,
  type TypeOf,
} from '../schema';
import { messages, toMessages } from './messages';

const MAX_OUTPUT_TOKENS = 1_000_000;

/** The name of a model, and of nothing else. */
export const model = text({ pattern: '^[\\x20-\\x7e]{1,300}$', description: '`provider/model` or `agent:slug`.' });

const limit = integer({ minimum: 1, maximum: MAX_OUTPUT_TOKENS });
const penalty = number({ minimum: -2, maximum: 2 });
const unsupported = described('Not supported: use `tools` and `tool_choice`.', anything());

const name = text({ pattern: '^[a-zA-Z0-9_-]{1,64}$' });
/** Whether a schema is a good one, its provider says. */
const jsonSchema = anyObject({ type: { enum: ['object', null] } });

/** What the model may call. */
const tools = list(
  tagged('type', {
    function: object({ function: object({ name }, { description: text(), parameters: jsonSchema }) }),
  }),
  { maxItems: 128 },
);

const toolChoice = either(
  oneOf('auto', 'none', 'required'),
  tagged('type', { function: object({ function: object({ name: text() }) }) }),
);

/** What the answer must be like. */
const format = tagged('type', {
  text: object({}),
  json_object: object({}),
  json_schema: object({ json_schema: object({ name, schema: jsonSchema }, { strict: boolean() }) }),
});

const schema = object(
  { model, messages },
  {
    stream: boolean(),
    stream_options: object({}, { include_usage: boolean() }),
    tools,
    tool_choice: toolChoice,
    parallel_tool_calls: boolean(),
    response_format: format,
    temperature: number({ minimum: 0, maximum: 2 }),
    top_p: number({ minimum: 0, maximum: 1 }),
    max_completion_tokens: limit,
    max_tokens: described('The older name of `max_completion_tokens`.', limit),
    stop: either(text(), list(text(), { maxItems: 4 })),
    seed: integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }),
    frequency_penalty: penalty,
    presence_penalty: penalty,
    reasoning_effort: oneOf('minimal', 'low', 'medium', 'high'),
    user: text({ maxLength: 512 }),
    n: integer({ minimum: 1, maximum: 1, description: 'One answer: ask again for another one.' }),
    functions: unsupported,
    function_call: unsupported,
  },
);

type Body = TypeOf<typeof schema>;

export interface OpenAiAsked extends ChatAsked {
  include_usage: boolean;
}

const readBody = reader(schema);

/** A chat completion. Fields that it does not know are ignored, since OpenAI's clients send whatever OpenAI adds. */
export const chatRequest: RequestShape<OpenAiAsked> = {
  schema,
  read(input) {
    const body = readBody(input);
    const { stream, stream_options } = body;
    return { request: toRequest(body), stream: stream ?? false, include_usage: stream_options?.include_usage ?? false };
  },
};

function toRequest(body: Body): ChatRequest {
  for (const name of ['functions', 'function_call'] as const)
    if (body[name] !== undefined && body[name] !== null)
      throw invalidField(name, 'is not supported: use tools and tool_choice.');
  const { temperature, top_p, seed, frequency_penalty, presence_penalty, reasoning_effort, user } = body;
  const { parallel_tool_calls, max_tokens, max_completion_tokens } = body;
  const tools = toTools(body.tools ?? []);
  const stop = [body.stop ?? []].flat();
  return {
    model: body.model,
    messages: toMessages(body.messages),
    ...present({ temperature, top_p, seed, frequency_penalty, presence_penalty, reasoning_effort, user }),
    ...present({ parallel_tool_calls, max_output_tokens: max_completion_tokens ?? max_tokens }),
    ...present({ tool_choice: toChoice(body.tool_choice, tools), response_format: toFormat(body.response_format) }),
    ...(stop.length > 0 && { stop }),
    ...(tools.length > 0 && { tools }),
  };
}

function toTools(given: TypeOf<typeof tools>): ToolDefinition[] {
  const definitions = given.map(({ function: { name, description, parameters } }, index) => ({
    name,
    ...present({ description }),
    input_schema: parameters
      ? storable(parameters, `tools.${index}.function.parameters`)
      : { type: 'object', properties: {} },
  }));
  if (new Set(definitions.map(({ name }) => name)).size < definitions.length)
    throw invalidField('tools', 'must not have two functions of one name.');
  return definitions;
}

/** Nested without end, a schema could not be written again. */
function storable(schema: JsonObject, path: string): JsonObject {
  assertStorable(schema, path);
  return schema;
}

function toChoice(
  choice: TypeOf<typeof toolChoice> | null | undefined,
  tools: readonly ToolDefinition[],
): ChatRequest['tool_choice'] | null {
  if (choice === 'required' && tools.length === 0) throw invalidField('tool_choice', 'needs tools.');
  if (typeof choice !== 'object' || choice === null) return choice;
  const { name } = choice.function;
  if (!tools.some((tool) => tool.name === name))
    throw invalidField('tool_choice.function.name', 'must be the name of one of the tools.');
  return { name };
}

function toFormat(asked: TypeOf<typeof format> | null | undefined): ResponseFormat | undefined {
  switch (asked?.type) {
    case 'json_object':
      return { type: 'json_object' };
    case 'json_schema': {
      const { name, schema, strict } = asked.json_schema;
      storable(schema, 'response_format.json_schema.schema');
      return { type: 'json_schema', name, schema, ...present({ strict }) };
    }
    default:
      return undefined;
  }
}
