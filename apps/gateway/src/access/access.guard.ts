import { Injectable, type ExecutionContext } from '@nestjs/common';
import { AuthGuard, PassportStrategy } from '@nestjs/passport';
import { ProblemError } from '@taai/contracts';
import { ContextTokens } from '@taai/platform';
import { authorize } from '@taai/rbac';
import { currentContext, type Caller } from '@taai/tenant';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport-custom';
import { credentialOf } from './credentials';
import { Principals } from './principals';

/**
 * Authenticates the caller where the contract asks for one, checks the permission, and signs the context that services trust. It runs before
 * the body is read (`addGuards`).
 */
@Injectable()
export class AccessGuard extends AuthGuard('credential') {
  constructor(
    private readonly tokens: ContextTokens,
    private readonly principals: Principals,
  ) {
    super();
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest & { user: Caller }>();
    const { bound } = request.routeOptions.config;
    if (!bound || bound.method.access === 'public') return true;
    // A caller who is known is spared Passport, which costs ten times the look-up.
    const caller = this.principals.known(credentialOf(request.headers)) ?? (await this.authenticate(context, request));
    const requestContext = currentContext();
    if (!requestContext) throw new Error('The request has no context.');
    requestContext.caller = caller;
    authorize(bound.method, caller);
    requestContext.token = this.tokens.cachedToken(caller) ?? (await this.tokens.mint(caller));
    return true;
  }

  private async authenticate(context: ExecutionContext, request: { user: Caller }): Promise<Caller> {
    await super.canActivate(context);
    return request.user;
  }

  override handleRequest<U>(error: unknown, user: U | false): U {
    if (error instanceof Error) throw error;
    if (!user) throw new ProblemError('unauthenticated');
    return user;
  }
}

/** Who sent the request: access tokens and API keys come in by this one way. */
@Injectable()
export class CredentialStrategy extends PassportStrategy(Strategy, 'credential') {
  constructor(private readonly principals: Principals) {
    super();
  }

  async validate(request: FastifyRequest): Promise<Caller> {
    return this.principals.find(credentialOf(request.headers));
  }
}
