import { Injectable } from '@nestjs/common';
import { accessContract, ProblemError, taskContract } from '@taai/contracts';
import { RpcClient, type CallOptions, type Client } from '@taai/platform';
import { currentCaller, runAs } from '@taai/tenant';
import type { ToolContext } from '../loaded-tool';

type Tasks = Client<typeof taskContract>;

/** The task service as a run's user may use it now: a run outlives requests, and what its user may do can change meanwhile. */
@Injectable()
export class TaskAccess {
  private readonly access: Client<typeof accessContract>;
  private readonly tasks: Tasks;

  constructor(rpc: RpcClient) {
    this.access = rpc.for(accessContract);
    this.tasks = rpc.for(taskContract);
  }

  /** Throws what the services throw: `unauthenticated`, `tenant_suspended` and `forbidden` among it. */
  async use<T>(
    { user_id, api_key_id, execution_id, signal }: ToolContext,
    work: (tasks: Tasks, options: CallOptions) => Promise<T>,
  ): Promise<T> {
    if (user_id === null) throw new ProblemError('unauthenticated', 'The run has no user whose tasks it could use.');
    const { tenant_id } = currentCaller();
    const { permissions, role } = await this.access.user({ user_id, api_key_id }, { signal });
    const caller = { tenant_id, user_id, role, permissions, ...(api_key_id !== null && { api_key_id }) };
    return runAs({ ...caller, issuer: 'orchestrator' }, () =>
      work(this.tasks, { idempotency_key: execution_id, signal }),
    );
  }
}
