import type { UpdateTask } from '@taai/contracts';
import type { BuiltinTool } from './builtin-tool';
import { id, taskFields, title } from './task-schema';

export const updateTask: BuiltinTool = {
  description: 'Changes fields of a task, and answers with it as it is then. Fields that are not given stay.',
  input_schema: {
    type: 'object',
    properties: { id, title, ...taskFields },
    required: ['id'],
    minProperties: 2,
    additionalProperties: false,
  },
  // It would undo what a person changed in the meantime, and tell of a change once more.
  is_repeatable: false,
  execute: (args, context, { tasks }) =>
    // The schema is that of the contract.
    tasks.use(context, (client, options) => client.update(args as unknown as UpdateTask, options)),
};
