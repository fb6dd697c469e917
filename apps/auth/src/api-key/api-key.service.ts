import { Injectable } from '@nestjs/common';
import {
  found,
  invalidField,
  limits,
  ProblemError,
  readTimestamp,
  type ApiKey,
  type CreateApiKey,
  type CreatedApiKey,
  type PageOf,
  type PageQuery,
} from '@taai/contracts';
import { accessChanged, audit, idAfter, toPage, withTenant, type Tx } from '@taai/entities';
import { mintApiKey } from '@taai/platform';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { ApiKeyRepository } from './api-key.repository';
import { lockTenant } from '../tenant/tenant.repository';
import { readPermissions } from '../access/read-permissions';
import { RoleAuthority } from '../role/role.authority';

@Injectable()
export class ApiKeyService {
  constructor(
    private readonly db: DataSource,
    private readonly apiKeys: ApiKeyRepository,
    private readonly authority: RoleAuthority,
  ) {}

  async list({ limit, cursor }: PageQuery): Promise<PageOf<ApiKey>> {
    const rows = await this.apiKeys.page(idAfter(cursor), limit + 1);
    return toPage(rows, limit, ({ id }) => [id]);
  }

  /**
   * The key is stored nowhere, so that a repetition of the request, by its Idempotency-Key, cannot show it again: it makes no
   * second key and throws `conflict`.
   */
  async create(input: CreateApiKey): Promise<CreatedApiKey> {
    const { key, prefix, hash } = mintApiKey();
    const apiKey = newApiKey(input, prefix, new Date());
    const stored = await withTenant(this.db, (tx) => this.add(tx, apiKey, hash));
    if (stored.id !== apiKey.id) {
      const detail = `The API key ${stored.id} was created by this request before, and its key shown then.`;
      throw new ProblemError('conflict', detail);
    }
    return { ...apiKey, key };
  }

  /** Throws `not_found`, and `forbidden` for the key of somebody else that may do more than the caller. */
  async remove(id: string): Promise<void> {
    await withTenant(this.db, async (tx) => {
      await lockTenant(tx);
      const key = found('API key', await this.apiKeys.find(tx, id));
      if (!isOwn(key)) await this.authority.assertCovers(tx, key.scopes);
      await this.apiKeys.revoke(tx, id);
      await accessChanged(tx, 'api_key', id);
      await audit(tx, { action: 'api_key.revoked', target: { type: 'api_key', id }, before: factsOf(key) });
    });
  }

  private async add(tx: Tx, apiKey: ApiKey, hash: string): Promise<{ id: string }> {
    await lockTenant(tx);
    await this.authority.assertCovers(tx, apiKey.scopes);
    if ((await this.apiKeys.countLiving(tx)) >= limits.apiKeysOfTenant) {
      throw new ProblemError('conflict', `A tenant has at most ${limits.apiKeysOfTenant} API keys: revoke one first.`);
    }
    await this.apiKeys.insert(tx, apiKey, hash);
    const { id } = apiKey;
    await audit(tx, { action: 'api_key.created', target: { type: 'api_key', id }, after: factsOf(apiKey) });
    return { id };
  }
}

/** Tells whether the caller has made the key. Whoever comes with a key is that key, not its maker. */
function isOwn({ id, created_by }: ApiKey): boolean {
  const { user_id, api_key_id } = currentCaller();
  return api_key_id ? api_key_id === id : user_id === created_by;
}

/** Throws `validation_failed`, and `forbidden` for a caller who is no user, or a key: its children would outlive it. */
function newApiKey({ name, scopes, expires_at = null }: CreateApiKey, prefix: string, now: Date): ApiKey {
  const { user_id, api_key_id } = currentCaller();
  if (api_key_id)
    throw new ProblemError('forbidden', 'API keys are made by users who have logged in, not by other keys.');
  if (!user_id) throw new ProblemError('forbidden', 'An API key stands for a user, and the caller is none.');
  return {
    id: v7(),
    name,
    prefix,
    scopes: readPermissions('scopes', scopes),
    created_by: user_id,
    created_at: now,
    expires_at: expires_at && futureTime(expires_at, now),
    last_used_at: null,
  };
}

function futureTime(text: string, now: Date): string {
  const time = readTimestamp('expires_at', text);
  if (new Date(time) <= now) throw invalidField('expires_at', 'must be in the future');
  return time;
}

const factsOf = ({ name, prefix, scopes, created_by, expires_at }: ApiKey) => ({
  name,
  prefix,
  scopes,
  created_by,
  expires_at,
});
