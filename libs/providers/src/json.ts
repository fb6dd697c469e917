import type { JsonObject } from './types';

// What a provider sends is anybody's guess: these read parts of it and take what is malformed for absent.

type Json = Record<string, unknown>;

export const record = (value: unknown): Json => (isRecord(value) ? value : {});

export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

export const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** More tokens than any call uses. What is beyond would add up to more than numbers can hold exactly. */
const MAX_COUNT = 1_000_000_000;

/** A whole number from 0. */
export const count = (value: unknown): number | null =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_COUNT ? value : null;

const isRecord = (value: unknown): value is Json => typeof value === 'object' && value !== null;

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
