import type { JsonObject } from './types';

/** `undefined` for what is no JSON. */
export function parseJson(written: string): unknown {
  try {
    return JSON.parse(written);
  } catch {
    return undefined;
  }
}

/** What a model wrote as the arguments of a call. Vendors take objects back alone: what is none becomes an empty one. */
export function parseArguments(written: string): JsonObject {
  const value = parseJson(written);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
