import { Catch, Controller, UseFilters, type ExceptionFilter } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { boundMethods, isCancellable, type Contract, type Handler } from '@taai/contracts';
import { oncePerKey } from './once-per-key';

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
