import { currentContext, runInContext, type OncePerKey, type RequestContext } from '@taai/tenant';
import { sha256 } from '../../crypto/sha256';

type Handle = (input: object) => Promise<unknown>;

/**
 * Has the method `name` of a handler done once per Idempotency-Key of a user: its one transaction is the one of the key (see
 * `withTenant`). A handler that was called with a key and committed none did what a repetition would do again: that is a bug.
 */
export function oncePerKey(prototype: object, name: string, rpc: string): void {
  const handle = Reflect.get(prototype, name) as Handle;
  const wrapped = async function (this: unknown, input: object): Promise<unknown> {
    const context = currentContext();
    const once = context && keyOf(context, rpc, input);
    if (!once) return handle.call(this, input);
    const output = await runInContext({ ...context, once }, () => handle.call(this, input));
    if (once.transaction !== 'committed') throw new Error(`${rpc} is once per key, and had no transaction.`);
    return output;
  };
  // Guards and the like are written on the method itself.
  for (const key of Reflect.getMetadataKeys(handle))
    Reflect.defineMetadata(key, Reflect.getMetadata(key, handle), wrapped);
  Reflect.defineProperty(prototype, name, { value: wrapped, writable: true, configurable: true });
}

function keyOf(
  { idempotency_key: key, caller }: RequestContext,
  method: string,
  input: object,
): OncePerKey | undefined {
  if (key === undefined || caller?.user_id === undefined) return undefined;
  const { user_id } = caller;
  return { method, key, user_id, request_hash: sha256(JSON.stringify(input)), transaction: 'none' };
}
