import type { ProviderError } from '../provider-error';
import type { JsonObject } from '../types';
/**
 * What Google says is wrong.
 *
 * @param reply HTTP status and headers; none for an error within a stream
 */
export declare function refused(error: JsonObject, secret: string, reply?: Response): ProviderError;
