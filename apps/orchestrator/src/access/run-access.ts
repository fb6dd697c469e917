import { Injectable } from '@nestjs/common';
import { found, type ConversationRole, type Permission } from '@taai/contracts';
import { auditUse } from '@taai/entities';
import { openPrivate, scopeOf, type Openers } from '@taai/rbac';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import type { RunRow } from '../run/run-row';
import { RunAccessRepository, type SeenRun } from './run-access.repository';

const READ = 'runs:read_any' satisfies Permission;
export const MANAGE_RUNS: Openers = { read: READ, manage: 'runs:manage_any' };
export const APPROVE_RUNS: Openers = { read: READ, manage: 'runs:approve_any' };

/**
 * Whose runs a caller may see and decide on. A run in a conversation is everybody's who takes part in it, as much as they do; another one is
 * its starter's; and by permission they may have everybody's, audited.
 */
@Injectable()
export class RunAccess {
  constructor(
    private readonly db: DataSource,
    private readonly runs: RunAccessRepository,
  ) {}

  /** The run, if the caller may have it as `wanted`. Throws `not_found`, `forbidden`. */
  async open(id: string, wanted: ConversationRole, openers: Openers = MANAGE_RUNS): Promise<RunRow> {
    const caller = currentCaller();
    const { participant_role, ...run } = found('run', await this.runs.findFor(caller.user_id ?? null, id));
    const role = roleIn(run, participant_role, caller.user_id);
    const permission = openPrivate(caller, { noun: 'run', role }, wanted, openers);
    const target = { type: 'run', id };
    if (permission) await auditUse(this.db, { action: 'run.accessed', target, after: { permission } });
    return run;
  }

  /** The user whose runs a list may show; undefined: everybody's. */
  scope(): string | undefined {
    return scopeOf(currentCaller(), READ);
  }

  /** Notes that the caller is shown what these runs did, some of which may be theirs. */
  async auditList(ids: readonly string[]): Promise<void> {
    const { tenant_id, user_id = null, issuer } = currentCaller();
    const foreign = issuer === 'gateway' ? await this.runs.foreign(user_id, ids) : [];
    if (foreign.length === 0) return;
    const after = { permission: READ, ids: foreign };
    await auditUse(this.db, { action: 'run.listed', target: { type: 'tenant', id: tenant_id }, after });
  }
}

function roleIn(
  { conversation_id, user_id }: RunRow,
  participant: SeenRun['participant_role'],
  caller: string | undefined,
): ConversationRole | null {
  if (conversation_id) return participant;
  return user_id !== null && user_id === caller ? 'owner' : null;
}
