import type { ChatRequest, JsonObject } from '../types';
/** Chat completions as OpenAI has them, without the fields that are not given. */
export declare function toChatBody(request: ChatRequest): JsonObject;
export declare const toTool: ({ name, description, input_schema }: NonNullable<ChatRequest['tools']>[number]) => {
  type: string;
  function: {
    name: string;
    description: string | undefined;
    parameters: JsonObject;
  };
};
