import { problems, type JsonSchema } from '@taai/contracts';

export const problem: JsonSchema = {
  type: 'object',
  description: 'RFC 9457 problem details',
  properties: {
    type: { type: 'string', description: 'Always `about:blank`: the code says what it is.', examples: ['about:blank'] },
    title: { type: 'string', description: 'What the code means.', examples: [problems.not_found.title] },
    status: { type: 'integer', description: 'The HTTP status.', examples: [404] },
    code: {
      type: 'string',
      description: 'Stable: programs decide by it.',
      enum: Object.keys(problems),
      examples: ['not_found'],
    },
    detail: { type: 'string', description: 'What is wrong here, for people.', examples: ['There is no such task.'] },
    request_id: {
      type: 'string',
      description: 'Finds the request in the logs.',
      examples: ['0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e42'],
    },
    errors: {
      type: 'array',
      description: 'The fields at fault, with `validation_failed`.',
      items: {
        type: 'object',
        properties: {
          path: {
            type: 'string',
            description: 'Where the field stands in the input.',
            examples: ['fallbacks.0.model'],
          },
          message: { type: 'string', description: 'What is wrong with it.', examples: ['must be a string'] },
        },
        required: ['path', 'message'],
      },
    },
  },
  required: ['type', 'title', 'status', 'code', 'detail', 'request_id'],
};
