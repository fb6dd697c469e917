import type { RunMessage } from '../../file/stored-file';
import type { RunRow } from '../run-row';
import type { Execution, Step } from '../run-step';

/** The messages that the model is shown next: the run's input, its own answers, and what its tools answered. */
export function messagesOf(run: RunRow, steps: readonly Step[]): RunMessage[] {
  return [...run.input, ...steps.flatMap(messagesOfStep)];
}

function messagesOfStep({ output, tool_calls, executions, violation = 'does not fit.' }: Step): RunMessage[] {
  if (tool_calls.length === 0) {
    return [
      { role: 'assistant', content: output },
      { role: 'user', content: `Your answer ${violation} Answer again, with nothing but JSON that fits the schema.` },
    ];
  }
  return toolMessagesOf({ output, tool_calls, executions });
}

/** The tool calls of a step, and what they came to. */
export const toolMessagesOf = ({
  output,
  tool_calls,
  executions,
}: Pick<Step, 'output' | 'tool_calls' | 'executions'>): RunMessage[] => [
  { role: 'assistant', content: output, tool_calls },
  ...executions.map(toolMessage),
];

const toolMessage = (execution: Execution): RunMessage => ({
  role: 'tool',
  tool_call_id: execution.tool_call_id,
  name: execution.tool_name,
  content: contentOf(execution),
});

/** Models read errors as well as results, and often mend what they asked for. */
function contentOf({ status, result, error_code, error_detail }: Execution): string {
  if (status === 'completed') return typeof result === 'string' ? result : JSON.stringify(result);
  return JSON.stringify({ error: error_code, detail: error_detail });
}
