type Json = Record<string, unknown>;
export declare const record: (value: unknown) => Json;
export declare const list: (value: unknown) => unknown[];
export declare const text: (value: unknown) => string | null;
/** A whole number from 0. */
export declare const count: (value: unknown) => number | null;
export {};
