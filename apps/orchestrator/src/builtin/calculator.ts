import type { BuiltinTool } from './builtin-tool';
import { calculate } from './arithmetic';

export const calculator: BuiltinTool = {
  description:
    'Calculates with + - * / % ^ and parentheses, the constants pi and e, and the functions abs, ceil, exp, floor, ln, log, max, min, round ' +
    'and sqrt (angles in radians: cos, sin, tan).',
  input_schema: {
    type: 'object',
    properties: {
      expression: { type: 'string', minLength: 1, maxLength: 1000, description: 'Such as 2 * (3 + 4.5).' },
    },
    required: ['expression'],
    additionalProperties: false,
  },
  is_repeatable: true,
  execute: async ({ expression }) => ({ value: calculate(String(expression)) }),
};
