import type { JsonObject } from './types';
/** `undefined` for what is no JSON. */
export declare function parseJson(written: string): unknown;
/** What a model wrote as the arguments of a call. Vendors take objects back alone: what is none becomes an empty one. */
export declare function parseArguments(written: string): JsonObject;
