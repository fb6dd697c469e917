import type { BodyLimits, BoundMethod } from './contract';
import { limits } from './schema/limits';

/** How much JSON the method's route takes: nobody who is yet unknown needs much. */
export const bodyLimitsOf = ({ service, method }: BoundMethod): BodyLimits =>
  method.body ?? {
    bytes: service === 'auth' ? limits.authBodyBytes : limits.bodyBytes,
    values: limits.bodyValues,
  };
