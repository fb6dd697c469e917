import { Injectable } from '@nestjs/common';
import type { User } from '@taai/contracts';
import { SessionEntity, UserEntity, withTenantId } from '@taai/entities';
import { currentContext } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';

const LIFETIME_MS = 30 * 24 * 60 * 60 * 1000;

/** What a user opens by logging in: an access token names its session, and ends with it. */
@Injectable()
export class SessionRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Opens a session of 30 days and resolves to its id. */
  async open({ tenant_id, id: user_id }: User, refresh_token_hash: string): Promise<string> {
    const id = v7();
    const created_at = new Date();
    const expires_at = new Date(created_at.getTime() + LIFETIME_MS);
    const ip = currentContext()?.ip ?? null;
    await withTenantId(this.dataSource, tenant_id, async (tx) => {
      await tx.insert(SessionEntity, { tenant_id, id, user_id, refresh_token_hash, ip, created_at, expires_at });
      await tx.update(UserEntity, { tenant_id, id: user_id }, { last_login_at: created_at });
    });
    return id;
  }
}
