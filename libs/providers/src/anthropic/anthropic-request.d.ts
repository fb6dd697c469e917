import type { Anthropic } from '@anthropic-ai/sdk';
import type { ChatRequest } from '../types';
/** `temperature` and `top_p` are left out: since its version 2026-10-21 the API refuses them, whatever their value. */
export declare function toRequest(request: ChatRequest): Anthropic.MessageCreateParamsStreaming;
