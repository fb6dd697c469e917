import type { ChatMessage, ChatRequest, ImagePart, JsonObject, ResponseFormat, TextPart, ToolChoice } from '../types';

/** Chat completions as OpenAI has them, without the fields that are not given. */
export function toChatBody(request: ChatRequest): JsonObject {
  const { tools = [] } = request;
  return {
    model: request.model,
    messages: request.messages.map(toMessage),
    temperature: request.temperature,
    top_p: request.top_p,
    max_completion_tokens: request.max_output_tokens,
    stop: request.stop,
    seed: request.seed,
    frequency_penalty: request.frequency_penalty,
    presence_penalty: request.presence_penalty,
    reasoning_effort: request.reasoning_effort,
    response_format: request.response_format && toResponseFormat(request.response_format),
    user: request.user,
    // Without tools both are an error.
    ...(tools.length > 0 && {
      tools: tools.map(toTool),
      tool_choice: request.tool_choice && toToolChoice(request.tool_choice),
      parallel_tool_calls: request.parallel_tool_calls,
    }),
  };
}

export const toTool = ({ name, description, input_schema }: NonNullable<ChatRequest['tools']>[number]) => ({
  type: 'function',
  function: { name, description, parameters: input_schema },
});

const toToolChoice = (choice: ToolChoice): unknown =>
  typeof choice === 'string' ? choice : { type: 'function', function: choice };

function toResponseFormat(format: ResponseFormat): JsonObject {
  if (format.type === 'json_object') return { type: 'json_object' };
  const { type, ...json_schema } = format;
  return { type, json_schema };
}

function toMessage(message: ChatMessage): JsonObject {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.content };
    case 'user':
      return { role: 'user', content: toContent(message.content) };
    case 'tool':
      return { role: 'tool', tool_call_id: message.tool_call_id, content: message.content };
    case 'assistant':
      return toAnswer(message);
  }
}

const toContent = (content: string | (TextPart | ImagePart)[]): unknown =>
  typeof content === 'string'
    ? content
    : content.map((part) => (part.type === 'text' ? part : { type: 'image_url', image_url: { url: part.url } }));

function toAnswer({ content, tool_calls = [] }: Extract<ChatMessage, { role: 'assistant' }>): JsonObject {
  if (tool_calls.length === 0) return { role: 'assistant', content };
  return {
    role: 'assistant',
    content: content || null,
    tool_calls: tool_calls.map((call) => ({
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: call.arguments || '{}' },
    })),
  };
}
