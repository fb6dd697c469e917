import type { ChatRequest as OllamaRequest } from 'ollama/browser';
import type { ChatRequest } from '../types';
/** A chat as Ollama has it, without the fields that are not given. */
export declare function toOllamaRequest(request: ChatRequest): OllamaRequest & {
  stream: true;
};
