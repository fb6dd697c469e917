import type { IncomingMessage } from 'node:http';
import { anthropic } from './formats/anthropic.ts';
import type { Format, Path } from './formats/format.ts';
import { google } from './formats/google.ts';
import { groq } from './formats/groq.ts';
import { ollama } from './formats/ollama.ts';
import { openai } from './formats/openai.ts';

export interface Route {
  format: Format;
  /** Undefined: there is nothing at this address, told in OpenAI's or Anthropic's format. */
  operation?: keyof Format['routes'];
  path: Path;
}

const formats: readonly Format[] = [openai, anthropic, google, groq, ollama];

/** Anthropic's models have the same address as OpenAI's. */
const isAnthropic = ({ headers }: IncomingMessage): boolean => 'anthropic-version' in headers || 'x-api-key' in headers;

export function findRoute(request: IncomingMessage, target: string): Route {
  const preferred = isAnthropic(request) ? anthropic : openai;
  for (const format of [preferred, ...formats])
    for (const operation of ['chat', 'models', 'embeddings'] as const) {
      const found = format.routes[operation]?.exec(target);
      if (found) return { format, operation, path: { ...found.groups } };
    }
  return { format: preferred, path: {} };
}
