import type { Content, FunctionCallPart, FunctionResponsePart, InlineDataPart, TextPart } from '@google/generative-ai';
import { readImage } from '../image';
import { parseArguments } from '../json';
import { ProviderError } from '../provider-error';
import type { ChatMessage, FilePart, ImagePart, ToolCall } from '../types';

/** The SDK's types are older than ids and signatures. */
interface CallPart extends FunctionCallPart {
  functionCall: { id: string; name: string; args: object };
  thoughtSignature?: string;
}

interface ResultPart extends FunctionResponsePart {
  functionResponse: { id: string; name: string; response: { output: string } };
}

type Part = TextPart | InlineDataPart | CallPart | ResultPart;

// From Gemini 3 on, the first call of a message has to bear its signature. This is documented for calls that another model made.
const FOREIGN_CALL = 'skip_thought_signature_validator';
const knowsNoSignatures = /gemini-[12]\b/;

/** Turns in which user and model alternate; results of tools are the user's, all those of one message together. */
export function toContents(messages: readonly ChatMessage[], model: string): Content[] {
  const contents: { role: 'user' | 'model'; parts: Part[] }[] = [];
  for (const message of messages) {
    const role = message.role === 'assistant' ? 'model' : 'user';
    const parts = toParts(message, model);
    const last = contents.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else if (parts.length > 0) contents.push({ role, parts });
  }
  return contents;
}

function toParts(message: ChatMessage, model: string): Part[] {
  switch (message.role) {
    case 'system':
      return [];
    case 'tool':
      return [resultPart(message.tool_call_id, message.name, message.content)];
    case 'assistant':
      return [...textParts(message.content), ...callParts(message.tool_calls ?? [], model)];
    case 'user':
      if (typeof message.content === 'string') return textParts(message.content);
      return message.content.flatMap((part): Part[] =>
        part.type === 'text' ? textParts(part.text) : [part.type === 'image' ? imagePart(part) : filePart(part)],
      );
  }
}

const textParts = (text: string): TextPart[] => (text ? [{ text }] : []);

const resultPart = (id: string, name: string, output: string): ResultPart => ({
  functionResponse: { id, name, response: { output } },
});

const callParts = (calls: ToolCall[], model: string): CallPart[] =>
  calls.map((call, index) => {
    const signature = signatureOf(call) ?? (index === 0 && !knowsNoSignatures.test(model) ? FOREIGN_CALL : undefined);
    return {
      functionCall: { id: call.id, name: call.name, args: parseArguments(call.arguments) },
      ...(signature && { thoughtSignature: signature }),
    };
  });

/** Signatures are base64. Another vendor's `opaque` is none. */
const signatureOf = ({ opaque }: ToolCall): string | undefined =>
  opaque && /^[A-Za-z0-9+/_-]+=*$/.test(opaque) ? opaque : undefined;

const filePart = ({ media_type: mimeType, data }: FilePart): InlineDataPart => ({ inlineData: { mimeType, data } });

function imagePart(part: ImagePart): InlineDataPart {
  const image = readImage(part.url);
  if ('url' in image)
    throw new ProviderError('invalid_request', 'Google takes images as base64 data URLs alone, not by address.');
  return { inlineData: { mimeType: image.media_type, data: image.data } };
}
