import type { CompletionPiece, CompletionToolCall, ToolCallDelta } from '@taai/contracts';
import type { ChatEvent, ToolCall } from '@taai/providers';
import { withOpaque } from './opaque-call-id';

/** What a piece of an answer is in a stream: OpenAI's delta, which the gateway passes on unread. Nothing for what no client expects. */
export function pieceOf(event: ChatEvent): CompletionPiece | undefined {
  switch (event.type) {
    case 'text':
      return { content: event.text };
    case 'reasoning':
      return { reasoning_content: event.text };
    case 'tool_call': {
      const { index, name } = event;
      const id = withOpaque(event.id, event.opaque);
      return toolCall({ index, id, type: 'function', function: { name, arguments: '' } });
    }
    case 'tool_arguments':
      return toolCall({ index: event.index, function: { arguments: event.text } });
    default:
      return undefined;
  }
}

const toolCall = (delta: ToolCallDelta): CompletionPiece => ({ tool_calls: [delta] });

export const callOf = ({ opaque, ...call }: ToolCall): CompletionToolCall => ({
  ...call,
  id: withOpaque(call.id, opaque),
});
