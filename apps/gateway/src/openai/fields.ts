import { invalidField } from '@taai/contracts';

export type Fields = Record<string, unknown>;

/** Clients send `null` for what they leave out. */
export const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null;

export function objectAt(value: unknown, path: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidField(path, 'must be an object.');
  return value as Fields;
}

export function textAt(value: unknown, path: string, most = Infinity): string {
  if (typeof value !== 'string') throw invalidField(path, 'must be text.');
  if (value.length > most) throw invalidField(path, `must be no longer than ${most} characters.`);
  return value;
}

export function listAt(value: unknown, path: string, most: number): unknown[] {
  if (!Array.isArray(value)) throw invalidField(path, 'must be an array.');
  if (value.length > most) throw invalidField(path, `must have no more than ${most} items.`);
  return value;
}

export function oneOf<T extends string>(value: unknown, path: string, values: readonly T[]): T {
  const known = values.find((one) => one === value);
  if (known === undefined) throw invalidField(path, `must be one of ${values.join(', ')}.`);
  return known;
}

/** The number in `fields`, if there is one. */
export function optionalNumber(fields: Fields, name: string, least: number, most: number): number | undefined {
  const value = fields[name];
  if (isAbsent(value)) return undefined;
  if (typeof value !== 'number' || value < least || value > most)
    throw invalidField(name, `must be a number from ${least} to ${most}.`);
  return value;
}

export function optionalInteger(fields: Fields, name: string, least: number, most: number): number | undefined {
  const value = optionalNumber(fields, name, least, most);
  if (value !== undefined && !Number.isInteger(value)) throw invalidField(name, 'must be a whole number.');
  return value;
}

export function optionalBoolean(fields: Fields, name: string): boolean | undefined {
  const value = fields[name];
  if (isAbsent(value)) return undefined;
  if (typeof value !== 'boolean') throw invalidField(name, 'must be true or false.');
  return value;
}
