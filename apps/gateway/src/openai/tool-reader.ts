import { invalidField, type CompletionCall, type CompletionTool } from '@taai/contracts';
import { assertStorable } from '../http/storable';
import { isAbsent, listAt, objectAt, oneOf, optionalBoolean, textAt, type Fields } from './fields';

const MAX_TOOLS = 128;
const NAME = /^[a-zA-Z0-9_-]{1,64}$/;
const choices = ['auto', 'none', 'required'] as const;

type Tools = Pick<CompletionCall, 'tools' | 'tool_choice' | 'parallel_tool_calls' | 'response_format'>;

/** What the model may call, and what its answer must be like. Throws `validation_failed` with the path of what is wrong. */
export function readTools(body: Fields): Tools {
  for (const name of ['functions', 'function_call'])
    if (!isAbsent(body[name])) throw invalidField(name, 'is not supported: use tools and tool_choice.');
  const tools = isAbsent(body['tools']) ? [] : listAt(body['tools'], 'tools', MAX_TOOLS).map(readTool);
  const names = new Set(tools.map(({ name }) => name));
  if (names.size < tools.length) throw invalidField('tools', 'must not have two functions of one name.');
  return {
    ...(tools.length > 0 && { tools }),
    tool_choice: readChoice(body['tool_choice'], names),
    parallel_tool_calls: optionalBoolean(body, 'parallel_tool_calls'),
    response_format: readFormat(body['response_format']),
  };
}

function readTool(value: unknown, index: number): CompletionTool {
  const path = `tools[${index}]`;
  const tool = objectAt(value, path);
  oneOf(tool['type'], `${path}.type`, ['function']);
  const { name, description, parameters } = objectAt(tool['function'], `${path}.function`);
  return {
    name: readName(name, `${path}.function.name`),
    ...(!isAbsent(description) && { description: textAt(description, `${path}.function.description`) }),
    input_schema: isAbsent(parameters)
      ? { type: 'object', properties: {} }
      : readSchema(parameters, `${path}.function.parameters`),
  };
}

/** Whether a schema is a good one, its provider says. */
function readSchema(value: unknown, path: string): Fields {
  const schema = objectAt(value, path);
  // Nested without end, it could not be written again.
  assertStorable(schema, path);
  if (!isAbsent(schema['type']) && schema['type'] !== 'object') throw invalidField(`${path}.type`, 'must be object.');
  return schema;
}

function readName(value: unknown, path: string): string {
  if (typeof value !== 'string' || !NAME.test(value))
    throw invalidField(path, 'must be 1 to 64 letters, digits, - or _.');
  return value;
}

function readChoice(value: unknown, names: ReadonlySet<string>): CompletionCall['tool_choice'] {
  if (isAbsent(value)) return undefined;
  if (typeof value === 'string') {
    const choice = oneOf(value, 'tool_choice', choices);
    if (choice === 'required' && names.size === 0) throw invalidField('tool_choice', 'needs tools.');
    return choice;
  }
  const chosen = objectAt(value, 'tool_choice');
  oneOf(chosen['type'], 'tool_choice.type', ['function']);
  const name = textAt(objectAt(chosen['function'], 'tool_choice.function')['name'], 'tool_choice.function.name');
  if (!names.has(name)) throw invalidField('tool_choice.function.name', 'must be the name of one of the tools.');
  return { name };
}

function readFormat(value: unknown): CompletionCall['response_format'] {
  if (isAbsent(value)) return undefined;
  const format = objectAt(value, 'response_format');
  const type = oneOf(format['type'], 'response_format.type', ['text', 'json_object', 'json_schema']);
  if (type === 'text') return undefined;
  if (type === 'json_object') return { type };
  const path = 'response_format.json_schema';
  const named = objectAt(format['json_schema'], path);
  const strict = optionalBoolean(named, 'strict');
  return {
    type,
    name: readName(named['name'], `${path}.name`),
    schema: readSchema(named['schema'], `${path}.schema`),
    ...(strict !== undefined && { strict }),
  };
}
