import { assertStorable, invalidField } from '@taai/contracts';
import type { ChatRequest, JsonObject, ResponseFormat, ToolDefinition } from '@taai/providers';
import { present } from '../present';
import { anyObject, boolean, either, list, object, oneOf, tagged, text, type TypeOf } from '../schema';

const name = text({ pattern: '^[a-zA-Z0-9_-]{1,64}$' });
/** Whether a schema is a good one, its provider says. */
const jsonSchema = anyObject({ type: { enum: ['object', null] } });

/** What the model may call. */
export const tools = list(
  tagged('type', {
    function: object({ function: object({ name }, { description: text(), parameters: jsonSchema }) }),
  }),
  { maxItems: 128 },
);

export const toolChoice = either(
  oneOf('auto', 'none', 'required'),
  tagged('type', { function: object({ function: object({ name: text() }) }) }),
);

/** What the answer must be like. */
export const format = tagged('type', {
  text: object({}),
  json_object: object({}),
  json_schema: object({ json_schema: object({ name, schema: jsonSchema }, { strict: boolean() }) }),
});

export function toTools(given: TypeOf<typeof tools>): ToolDefinition[] {
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

export function toChoice(
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

export function toFormat(asked: TypeOf<typeof format> | null | undefined): ResponseFormat | undefined {
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
