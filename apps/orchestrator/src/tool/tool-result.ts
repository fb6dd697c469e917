import { isNativeError } from 'node:util/types';
import { limits, ProblemError } from '@taai/contracts';
import { OutboundRefused, reportError } from '@taai/platform';
import { redactor } from '@taai/providers';
import { ToolFailure } from './loaded-tool';
import { mapTexts } from '../json/map-texts';
import { storable } from '../json/storable';

const MAX_MESSAGE = 600;

/** Bytes of the value as JSON. */
export const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** The text, of which `length` characters are kept, the last one an ellipsis where something was cut off. */
export const cut = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1).toWellFormed()}…` : text;

interface Work {
  /** Values that neither the result nor a failure may show, should a server send them back. */
  secrets: readonly string[];
  /** Of the run. */
  signal: AbortSignal;
}

/** Does the work of a tool. Resolves to a result that can be stored, and throws nothing but ToolFailures. */
export async function settle({ secrets, signal }: Work, work: () => Promise<unknown>): Promise<unknown> {
  const redact = redactor(secrets);
  try {
    return bounded(mapTexts((await work()) ?? null, (text) => storable(redact(text))));
  } catch (error) {
    const { code, message } = signal.aborted ? new ToolFailure('cancelled', 'The run was stopped.') : failureOf(error);
    throw new ToolFailure(code, cut(storable(redact(message)), MAX_MESSAGE));
  }
}

function bounded(result: unknown): unknown {
  if (sizeOf(result) <= limits.toolResultBytes) return result;
  throw new ToolFailure('result_too_large', `The result is larger than ${limits.toolResultBytes / 1024} kB.`);
}

function failureOf(error: unknown): { code: string; message: string } {
  if (error instanceof ToolFailure || error instanceof ProblemError) return error;
  if (error instanceof RangeError)
    return new ToolFailure('invalid_result', `The result cannot be read: ${error.message}`);
  reportError(error);
  return new ToolFailure('internal', 'Something failed on our side.');
}

/** A failure of a request: the connection's, or that of our deadline. */
export function outboundFailure(error: unknown, deadline: { signal: AbortSignal; ms: number }): ToolFailure {
  if (error instanceof ToolFailure) return error;
  if (error instanceof OutboundRefused) return new ToolFailure('url_not_allowed', error.message);
  if (deadline.signal.aborted) return new ToolFailure('timeout', `There was no answer within ${deadline.ms / 1000} s.`);
  return new ToolFailure('unreachable', inWords(error) || 'The request failed.');
}

/** Several addresses that all fail make an error without a message. */
const inWords = (error: unknown): string =>
  isNativeError(error) ? error.message || ('code' in error ? String(error.code) : error.name) : '';
