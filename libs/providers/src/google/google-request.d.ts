import { type GenerateContentRequest } from '@google/generative-ai';
import type { ChatRequest } from '../types';
export declare function toRequest(request: ChatRequest): GenerateContentRequest;
