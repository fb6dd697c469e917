import { ValidationPipe } from '@nestjs/common';
import {
  assertStorable,
  CreateTask,
  invalidFields,
  ProblemError,
  validatorErrors,
  type InputOf,
  type SocketMethod,
} from '@taai/contracts';

/** Validates inputs by their contract class: once, here, for the whole fleet. */
export const validation = new ValidationPipe({
  transform: true,
  whitelist: true,
  forbidNonWhitelisted: true,
  // Else inputs without fields are refused. Unknown fields are refused all the same, by the whitelist.
  forbidUnknownValues: false,
  validateCustomDecorators: true,
  stopAtFirstError: true,
  validationError: { target: false, value: false },
  exceptionFactory: (errors) => invalidFields(validatorErrors(errors)),
});

/** The payload of a socket's event, validated as the input of a route is. Throws what that throws. */
export async function readPayload<M extends SocketMethod>({ input }: M, payload: unknown): Promise<InputOf<M>> {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload))
    throw new ProblemError('malformed_request', 'The payload must be a JSON object.');
  assertStorable(payload);
  return validation.transform(payload, { type: 'custom', metatype: input }) as Promise<InputOf<M>>;
}

/** Fails the boot when a known-bad input would pass: a pipe that is silently skipped must never serve a request. */
export async function assertValidationWorks(): Promise<void> {
  const bad = { title: '', surprise: true };
  const refused = await validation.transform(bad, { type: 'custom', metatype: CreateTask }).then(
    () => false,
    (error: unknown) => error instanceof ProblemError && error.extras.errors?.length === 2,
  );
  if (!refused) throw new Error('Input validation is not in force: a known-bad task passed it.');
}
