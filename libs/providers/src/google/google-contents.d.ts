import type { Content } from '@google/generative-ai';
import type { ChatMessage } from '../types';
/** Turns in which user and model alternate; results of tools are the user's, all those of one message together. */
export declare function toContents(messages: readonly ChatMessage[], model: string): Content[];
