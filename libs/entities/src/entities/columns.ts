import type { DomainEvent, OutboxType } from '@taai/contracts';
import { Column, PrimaryColumn } from 'typeorm';

/** Declares a point in time. It is read as `Date`, and written from `Date` or an RFC 3339 string. */
export const Timestamptz = (options: { nullable?: true } = {}) => Column({ type: 'timestamptz', ...options });

/** Declares a point in time that is the transaction's when the row does not say. */
export const TimestamptzNow = () => Column({ type: 'timestamptz', default: () => 'now()' });

/** Declares a column of tokens or micro-USD. It is read as a number; beyond 2^53 reading throws (see `pg-types.ts`). */
export const BigIntColumn = (options: { nullable?: true; default?: number } = {}) =>
  Column({ type: 'bigint', ...options });

/** Returns a CHECK expression for a column of few values: `status in ('open', 'closed')`. */
export const oneOf = (column: string, values: readonly string[]) =>
  `${column} in (${values.map((value) => `'${value}'`).join(', ')})`;

/** A row of a tenant. The key starts with the tenant, so that foreign keys between tenants cannot exist. */
export abstract class TenantRow {
  @PrimaryColumn('uuid')
  tenant_id: string;

  /** UUIDv7, minted by the application. */
  @PrimaryColumn('uuid')
  id: string;
}

/**
 * What `jsonb` holds. Any `Record<string, unknown>` is one; spelt so that TypeORM's partial types take it, which lose `null`
 * inside of `unknown`.
 */
export type JsonObject = Record<string, NonNullable<unknown> | null | undefined>;

/** A `DomainEvent` in a `jsonb` column. */
export interface StoredEvent extends Omit<DomainEvent<OutboxType>, 'data'> {
  data: JsonObject;
}
