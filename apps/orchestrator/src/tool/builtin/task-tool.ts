import { SchemaCollector, type Class, type JsonSchema, type taskContract } from '@taai/contracts';
import type { CallOptions, Client } from '@taai/platform';
import { plainToInstance } from 'class-transformer';
import { untilAvailable } from '../../patience';
import type { BuiltinTool } from './builtin-tool';

const UUID = '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';

interface TaskTool<T extends object> extends Pick<BuiltinTool, 'description' | 'is_repeatable'> {
  /** The contract's input that the arguments make. */
  input: Class<T>;
  /** Where the model is held to more than the contract holds clients to. */
  narrowed?: JsonSchema & { minProperties?: number };
  execute: (input: T, tasks: Client<typeof taskContract>, options: CallOptions) => Promise<unknown>;
}

/** A builtin that calls the task service, which takes for granted that its input fits the contract: so the schema is the contract's. */
export const taskTool = <T extends object>({ input, narrowed, execute, ...tool }: TaskTool<T>): BuiltinTool => ({
  ...tool,
  input_schema: schemaOf(input, narrowed),
  execute: (args, context, { tasks }) => {
    const use = () => tasks.use(context, (client, options) => execute(plainToInstance(input, args), client, options));
    return tool.is_repeatable ? untilAvailable(use, context.signal) : use();
  },
});

function schemaOf(input: Class, { properties: narrowed = {}, ...rules }: TaskTool<object>['narrowed'] = {}) {
  const { properties = {}, ...schema } = new SchemaCollector('input').object(input);
  const fields = Object.entries(properties).map(([name, field]) => [name, { ...forModel(field), ...narrowed[name] }]);
  return { ...schema, ...rules, properties: Object.fromEntries(fields) as Record<string, JsonSchema> };
}

/** Without the example, which a model might take for an answer. Formats are not checked of arguments: ids have a pattern. */
const forModel = ({ examples: _, ...field }: JsonSchema): JsonSchema =>
  field.format === 'uuid' ? { ...field, pattern: UUID } : field;
