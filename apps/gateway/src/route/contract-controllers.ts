import { Controller, Inject, type Type } from '@nestjs/common';
import { publicMethods, type BoundMethod, type PublicMethod } from '@taai/contracts';
import { RpcClient } from '@taai/platform';
import { Input } from './input';
import { ContractRoute } from './route';

/** One controller per service, its routes derived from the contracts. Routes marked `custom` have controllers of their own. */
export function contractControllers(methods = publicMethods): Type[] {
  const derived = methods.filter(({ method }) => !method.custom);
  const byService = Map.groupBy(derived, ({ service }) => service);
  return [...byService].map(([service, methods]) => contractController(service, methods));
}

function contractController(service: string, methods: BoundMethod<PublicMethod>[]): Type {
  class ContractController {
    constructor(@Inject(RpcClient) readonly rpc: RpcClient) {}
  }
  Object.defineProperty(ContractController, 'name', { value: `${service}Controller` });
  for (const bound of methods) addRoute(ContractController.prototype, bound);
  Controller()(ContractController);
  return ContractController;
}

function addRoute(prototype: { rpc: RpcClient }, bound: BoundMethod<PublicMethod>): void {
  const descriptor = {
    // Replies pass unparsed: the service's JSON is the body.
    value(this: { rpc: RpcClient }, input: object) {
      return this.rpc.callRaw(bound, input);
    },
    configurable: true,
  };
  Object.defineProperty(prototype, bound.rpc, descriptor);
  Input()(prototype, bound.rpc, 0);
  Reflect.defineMetadata('design:paramtypes', [bound.method.input], prototype, bound.rpc);
  ContractRoute(bound)(prototype, bound.rpc, descriptor);
}
