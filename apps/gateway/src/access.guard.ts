import { Injectable, type ExecutionContext } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { ProblemError } from '@taai/contracts';
import { ContextTokens } from '@taai/platform';
import { authorize } from '@taai/rbac';
import { currentContext, type Caller } from '@taai/tenant';
import { DeniedAccess } from './denied-access';
import { findBoundMethod } from './route';

/** Authenticates the caller where the contract asks for one, checks the permission, and signs the context that services trust. */
@Injectable()
export class AccessGuard extends AuthGuard('access-token') {
  constructor(
    private readonly tokens: ContextTokens,
    private readonly denied: DeniedAccess,
  ) {
    super();
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const bound = findBoundMethod(context);
    if (!bound || bound.method.access === 'public') return true;
    await super.canActivate(context);
    const request = context.switchToHttp().getRequest<{ user: Omit<Caller, 'issuer'> }>();
    const requestContext = currentContext();
    if (!requestContext) throw new Error('The request has no context.');
    const caller: Caller = { ...request.user, issuer: 'gateway' };
    requestContext.caller = caller;
    this.denied.watch(caller, bound.method, () => authorize(bound.method, caller));
    requestContext.token = await this.tokens.mint(request.user);
    return true;
  }

  override handleRequest<U>(error: unknown, user: U | false): U {
    if (error instanceof Error) throw error;
    if (!user) throw new ProblemError('unauthenticated');
    return user;
  }
}
