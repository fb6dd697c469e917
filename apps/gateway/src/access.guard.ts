import { Injectable, type ExecutionContext } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { ProblemError } from '@taai/contracts';
import { ContextTokens } from '@taai/platform';
import { authorize } from '@taai/rbac';
import { currentContext, type Caller } from '@taai/tenant';
import { findBoundMethod } from './route';

/** Authenticates the caller where the contract asks for one, checks the permission, and signs the context that services trust. */
@Injectable()
export class AccessGuard extends AuthGuard('credential') {
  constructor(private readonly tokens: ContextTokens) {
    super();
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const bound = findBoundMethod(context);
    if (!bound || bound.method.access === 'public') return true;
    await super.canActivate(context);
    const { user: caller } = context.switchToHttp().getRequest<{ user: Caller }>();
    const requestContext = currentContext();
    if (!requestContext) throw new Error('The request has no context.');
    requestContext.caller = caller;
    authorize(bound.method, caller);
    requestContext.token = this.tokens.minted(caller) ?? (await this.tokens.mint(caller));
    return true;
  }

  override handleRequest<U>(error: unknown, user: U | false): U {
    if (error instanceof Error) throw error;
    if (!user) throw new ProblemError('unauthenticated');
    return user;
  }
}
