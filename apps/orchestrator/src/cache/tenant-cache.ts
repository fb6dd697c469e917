import { currentCaller, withoutDeadline } from '@taai/tenant';
import { LRUCache } from 'lru-cache';
import type { TenantChanges } from './tenant-changes';

const MAX_VALUES = 2000;
const TTL_MS = 5 * 60_000;

/**
 * Keeps what was read of the tenants' configuration until it changes, and for 5 minutes at most. A read that a change overtakes is
 * forgotten, because its promise is kept from before it begins.
 */
export class TenantCache<T> {
  private readonly values = new LRUCache<string, Promise<T>>({ max: MAX_VALUES, ttl: TTL_MS });

  constructor(changes: TenantChanges) {
    changes.listen({ onChange: (tenant_id) => this.forget(tenant_id), onGap: () => this.values.clear() });
  }

  /** The value of the caller's tenant; `load` reads it, and what it throws is not kept. */
  get(name: string, load: () => Promise<T>): Promise<T> {
    const key = keyOf(name);
    const known = this.values.get(key);
    if (known) return known;
    const loading = withoutDeadline(load);
    this.values.set(key, loading);
    loading.catch(() => {
      if (this.values.peek(key) === loading) this.values.delete(key);
    });
    return loading;
  }

  /** Reads the caller's tenant's value anew when it is next asked for. */
  drop(name: string): void {
    this.values.delete(keyOf(name));
  }

  private forget(tenant_id: string): void {
    const own = [...this.values.keys()].filter((key) => key.startsWith(tenant_id));
    for (const key of own) this.values.delete(key);
  }
}

const keyOf = (name: string): string => `${currentCaller().tenant_id}:${name}`;
