import { Controller, Inject, Req, Res, type Type } from '@nestjs/common';
import { dialects as allDialects, routeOf, type Dialect } from '@taai/dialects';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ContractRoute } from '../route/route';
import { DialectAnswers } from './dialect-answers';

/** The controller of the routes at which APIs of others are spoken. */
export function dialectController(dialects: readonly Dialect[] = allDialects): Type {
  class DialectController {
    constructor(@Inject(DialectAnswers) readonly answers: DialectAnswers) {}
  }
  for (const dialect of dialects) addRoute(DialectController.prototype, dialect);
  Controller()(DialectController);
  return DialectController;
}

function addRoute(prototype: { answers: DialectAnswers }, dialect: Dialect): void {
  const descriptor = {
    value(this: { answers: DialectAnswers }, request: FastifyRequest, reply: FastifyReply) {
      return this.answers.answer(dialect, request, reply);
    },
    configurable: true,
  };
  Object.defineProperty(prototype, dialect.name, descriptor);
  Req()(prototype, dialect.name, 0);
  Res()(prototype, dialect.name, 1);
  ContractRoute(routeOf(dialect))(prototype, dialect.name, descriptor);
}
