import { createContext, Script } from 'node:vm';
import { parentPort } from 'node:worker_threads';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { LRUCache } from 'lru-cache';
import { endlessReference } from './endless-reference.ts';

// A thread of its own: strangers write the schemas and the patterns in them, and both can keep a thread busy for as long as it may take.
// Of the workspace it imports nothing but its neighbour, so that it runs as it is, too.

/** JSON of a schema, and of a value to compare with it. */
export interface SchemaQuestion {
  schema: string;
  value: string;
}

/** `unusable` says in a sentence why, or with which errors of the schema itself. */
export type SchemaVerdict =
  | { kind: 'fits' }
  | { kind: 'differs'; errors: ErrorObject[] }
  | { kind: 'unusable'; reason: string }
  | { kind: 'malformed'; errors: ErrorObject[] }
  | { kind: 'slow' };

/** Of the thread: who waits for it does other things meanwhile. */
const COMPILE_MS = 500;
const COMPARE_MS = 100;
/** A hostile schema may have more errors than anyone should compare with each other. */
const MAX_ERRORS = 50;

/** Nothing is fetched: a `$ref` that leaves the schema makes it unusable. Formats are told to the model, and not checked. */
const options = { strict: false, allErrors: true, logger: false, validateFormats: false, ownProperties: true } as const;

/** Each schema is compiled by an instance of its own, so that no `$id` meets another one's; `meta` checks them all. */
const drafts = { draft7: { Ajv, meta: new Ajv(options) }, draft2020: { Ajv: Ajv2020, meta: new Ajv2020(options) } };

// Compiles what `meta` checks with, before there is a time limit: an instance that is interrupted meanwhile stays broken.
for (const { meta } of Object.values(drafts)) void meta.validateSchema({});

type Compiled = ValidateFunction | Exclude<SchemaVerdict, { kind: 'fits' | 'differs' }>;

/** What cannot be used, too: servers describe their tools as they like, and one answer may call a tool a hundred times. */
const compiled = new LRUCache<string, Compiled>({
  maxSize: 8_000_000,
  sizeCalculation: (_, text) => text.length + 1000,
});
/** A schema that took too long may have met a busy moment: it is tried again. */
const SLOW_MS = 60_000;

function verdictOf({ schema, value }: SchemaQuestion): SchemaVerdict {
  const validate = compiled.get(schema) ?? remember(schema, compile(schema));
  if (typeof validate !== 'function') return validate;
  return compare(validate, JSON.parse(value));
}

function remember(schema: string, result: Compiled): Compiled {
  compiled.set(schema, result, typeof result === 'function' ? {} : { ttl: SLOW_MS });
  return result;
}

function compile(text: string): Compiled {
  const { $schema, ...body } = JSON.parse(text) as Record<string, unknown>;
  const { Ajv, meta } = String($schema).includes('draft-0') ? drafts.draft7 : drafts.draft2020;
  return (
    withinTime<Compiled>(COMPILE_MS, () => {
      if (!meta.validateSchema(body)) return { kind: 'malformed', errors: few(meta.errors) };
      const endless = endlessReference(body);
      if (endless !== undefined) return { kind: 'unusable', reason: `${endless} refers to itself without end.` };
      return new Ajv({ ...options, meta: false, validateSchema: false }).compile(body);
    }) ?? { kind: 'slow' }
  );
}

const compare = (validate: ValidateFunction, value: unknown): SchemaVerdict =>
  withinTime<SchemaVerdict>(COMPARE_MS, () =>
    validate(value) ? { kind: 'fits' } : { kind: 'differs', errors: few(validate.errors) },
  ) ?? { kind: 'slow' };

const few = (errors: ErrorObject[] | null | undefined): ErrorObject[] => errors?.slice(0, MAX_ERRORS) ?? [];

const sandbox: { work?: () => void } = {};
const context = createContext(sandbox);
const script = new Script('work()');

/** Runs what does not wait for anything, and interrupts it after `ms`: then it returns undefined. Throws what `work` throws. */
function withinTime<T>(ms: number, work: () => T): T | undefined {
  let result: T | undefined;
  sandbox.work = () => void (result = work());
  try {
    script.runInContext(context, { timeout: ms });
    return result;
  } catch (error) {
    if (isTimeout(error)) return undefined;
    throw error;
  } finally {
    delete sandbox.work;
  }
}

const isTimeout = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';

function answer(question: SchemaQuestion): SchemaVerdict {
  try {
    return verdictOf(question);
  } catch (error) {
    // Of ajv, when it compiles; or the stack is full, of a schema that follows itself deeper than the value goes.
    return { kind: 'unusable', reason: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on('message', ({ id, ...question }: SchemaQuestion & { id: number }) =>
  parentPort?.postMessage({ id, answer: answer(question) }),
);
