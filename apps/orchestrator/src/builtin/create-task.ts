import type { CreateTask } from '@taai/contracts';
import type { BuiltinTool } from './builtin-tool';
import { taskFields, title } from './task-schema';

export const createTask: BuiltinTool = {
  description: 'Creates a task, and answers with it as it was created.',
  input_schema: {
    type: 'object',
    properties: { title, ...taskFields },
    required: ['title'],
    additionalProperties: false,
  },
  // By the execution's id, which goes along as the Idempotency-Key.
  is_repeatable: true,
  execute: (args, context, { tasks }) =>
    // The schema is that of the contract.
    tasks.use(context, (client, options) => client.create(args as unknown as CreateTask, options)),
};
