import { Catch, Controller, UseFilters, type ExceptionFilter } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { boundMethods, isCancellable, type Contract, type Handler } from '@taai/contracts';
import { currentContext, runInContext, type OncePerKey, type RequestContext } from '@taai/tenant';
import { sha256 } from '../../crypto/sha256';

/** Lets every error through as it is: the transport makes a typed reply of it. Nest's own filter would flatten it to text. */
@Catch()
class KeepErrors implements ExceptionFilter {
  catch(error: unknown): never {
    throw error;
  }
}

/**
 * Makes a class the handler of a contract: each method answers the RPC of its name. The class must offer every method of
 * the contract with the contract's input and output, or it does not compile. Methods that are once per key become so here.
 */
export const Handles =
  <C extends Contract>(contract: C) =>
  (handler: new (...dependencies: never[]) => Handler<C>): void => {
    Controller()(handler);
    UseFilters(new KeepErrors())(handler);
    for (const bound of boundMethods(contract)) {
      const name = bound.rpc.slice(contract.name.length + 1);
      if (bound.method.effect === 'once_per_key') oncePerKey(handler.prototype as object, name, bound.rpc);
      const value: unknown = Reflect.get(handler.prototype as object, name);
      MessagePattern(bound.rpc, { bound })(handler.prototype as object, name, { value });
      if (isCancellable(bound.method)) passSignal(handler.prototype as object, name);
    }
  };

/** What the server hands over beside the input, Nest's "context", becomes the second argument. */
function passSignal(prototype: object, name: string): void {
  Payload()(prototype, name, 0);
  Ctx()(prototype, name, 1);
}

type Handle = (input: object) => Promise<unknown>;

/**
 * Has the method `name` of a handler done once per Idempotency-Key of a user: its one transaction is the one of the key (see
 * `withTenant`). A handler that was called with a key and committed none did what a repetition would do again: that is a bug.
 */
function oncePerKey(prototype: object, name: string, rpc: string): void {
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
