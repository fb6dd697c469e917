import type { Anthropic } from '@anthropic-ai/sdk';
import type { ChatMessage, ToolCall } from '../types';
type Thought = Anthropic.ThinkingBlockParam | Anthropic.RedactedThinkingBlockParam;
export declare const systemTexts: (messages: readonly ChatMessage[]) => string[];
/** Turns in which user and assistant alternate; results of tools are the user's. */
export declare function toMessages(messages: readonly ChatMessage[]): Anthropic.MessageParam[];
/** What the model thought before the call, signed by Anthropic. Another vendor's `opaque` is nothing here. */
export declare const thoughtsOf: (call: ToolCall | undefined) => Thought[];
export {};
