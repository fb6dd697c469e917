import { Inject, Injectable } from '@nestjs/common';
import { limits } from '@taai/contracts';
import { keys, log, REDIS, type RedisClient } from '@taai/platform';
import type { OpenProvider } from './known-provider';

const DAY_S = 24 * 3600;
const TIMEOUT_MS = 20_000;

export interface ModelList {
  /** Whose list it is. */
  credential: string;
  models: string[];
  fetched_at: string;
}

/** The models that providers offer, each list asked for once a day. */
@Injectable()
export class ModelLists {
  constructor(@Inject(REDIS) private readonly redis: RedisClient) {}

  /** @throws ProviderError */
  async get(provider: OpenProvider, { refresh = false } = {}): Promise<ModelList> {
    const known = refresh ? undefined : await this.remembered(provider);
    return known ?? this.fetch(provider);
  }

  private async fetch(provider: OpenProvider): Promise<ModelList> {
    const offered = await provider.adapter.models({ timeout_ms: TIMEOUT_MS });
    const models = offered
      .filter((name) => name !== '' && name.length <= limits.modelCharacters)
      .slice(0, limits.modelsOfProvider);
    const list = { credential: provider.credential_id, models, fetched_at: new Date().toISOString() };
    await this.redis.set(keys.providerModels(provider.provider_id), JSON.stringify(list), 'EX', DAY_S).catch(forgotten);
    return list;
  }

  private async remembered({ provider_id, credential_id }: OpenProvider): Promise<ModelList | undefined> {
    const text = await this.redis.get(keys.providerModels(provider_id)).catch(forgotten);
    if (!text) return undefined;
    const list = JSON.parse(text) as ModelList;
    return list.credential === credential_id ? list : undefined;
  }
}

function forgotten(error: unknown): null {
  log.debug({ err: error }, 'a list of models could not be kept or found');
  return null;
}
