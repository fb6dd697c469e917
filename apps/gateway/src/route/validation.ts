import type { PipeTransform } from '@nestjs/common';
import {
  assertStorable,
  CreateTask,
  invalidFields,
  ProblemError,
  validatorErrors,
  type Class,
  type InputOf,
  type SocketMethod,
} from '@taai/contracts';
import { validateSync } from 'class-validator';
import { readInstance } from './instance';

/**
 * Validates inputs by their contract class: once, here, for the whole fleet. Nest's own pipe would have class-transformer make the
 * instances, which compares every key with every other one, and it refuses unknown keys last.
 */
export const validation: PipeTransform<object, object> = {
  transform(value, { metatype }) {
    if (!metatype) throw new Error('The input has no class.');
    return validated(metatype as Class, value);
  },
};

/** The input as an instance of its class. Throws `validation_failed` with the first fault of each field. */
export function validated<T extends object>(type: Class<T>, value: object): T {
  const { instance, faults, missing } = readInstance(type, value);
  // Inputs without fields have no rules, and are no less known for that.
  const errors = validateSync(instance, { stopAtFirstError: true, forbidUnknownValues: false });
  const found = [...faults, ...validatorErrors(errors)];
  // Of nested objects the rules say nothing when they are not there.
  const unsaid = missing.filter((path) => !found.some((fault) => fault.path === path));
  found.push(...unsaid.map((path) => ({ path, message: 'must be present' })));
  if (found.length > 0) throw invalidFields(found);
  return instance;
}

/** The payload of a socket's event, validated as the input of a route is. Throws what that throws. */
export async function readPayload<M extends SocketMethod>({ input }: M, payload: unknown): Promise<InputOf<M>> {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload))
    throw new ProblemError('malformed_request', 'The payload must be a JSON object.');
  assertStorable(payload);
  return validated(input, payload) as InputOf<M>;
}

/** Fails the boot when a known-bad input would pass: a pipe that is silently skipped must never serve a request. */
export function assertValidationWorks(): void {
  if (faultsOf({ title: '', surprise: true }) !== 2)
    throw new Error('Input validation is not in force: a known-bad task passed it.');
}

function faultsOf(task: object): number | undefined {
  try {
    validation.transform(task, { type: 'custom', metatype: CreateTask });
    return 0;
  } catch (error) {
    return error instanceof ProblemError ? error.extras.errors?.length : undefined;
  }
}
