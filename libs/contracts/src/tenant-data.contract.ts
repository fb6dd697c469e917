import { IsInt, IsString } from 'class-validator';
import { byDatabaseService, contract, type Contract, type DatabaseService, type Methods } from './contract';
import { Empty, Nullable, Optional } from './fields';

/** The order in which services can erase a tenant's rows: what refers goes before what is referred to. */
export const erasureOrder = [
  'webhook',
  'chat',
  'task',
  'usage',
  'orchestrator',
  'auth',
] as const satisfies DatabaseService[];

export class ReadRows {
  /** `next_cursor` of the answer before; absent at the beginning. */
  @Optional()
  @IsString()
  cursor?: string;
}

export class TenantRows {
  /** Whose rows these are; null at the end. */
  @Nullable()
  @IsString()
  table: string | null;

  /**
   * JSON lines, `{"table": …, "row": {…}}` each, at most 250,000 characters. A longer line is cut, and goes on in the next
   * answer: the answers must be put together in their order.
   */
  @IsString()
  lines: string;

  /** Null when the service has no more. */
  @Nullable()
  @IsString()
  next_cursor: string | null;
}

export class RowCount {
  @IsInt()
  rows: number;
}

const methods = {
  count: {
    summary: "Count the tenant's rows in the service's tables",
    callers: ['auth'],
    long: true,
    timeout_ms: 35_000,
    input: Empty,
    output: RowCount,
    effect: 'safe',
  },
  rows: {
    summary: "Read the tenant's rows in the service's tables, secrets left out, piece by piece",
    callers: ['auth'],
    long: true,
    secret: true,
    timeout_ms: 35_000,
    input: ReadRows,
    output: TenantRows,
    effect: 'safe',
  },
  erase: {
    summary:
      "Erase some of the tenant's rows in the service's tables, for good; repeated until nothing is erased any more",
    callers: ['auth'],
    long: true,
    timeout_ms: 35_000,
    input: Empty,
    output: RowCount,
    effect: 'idempotent',
  },
} satisfies Methods;

export type TenantDataContract = Contract<typeof methods>;

/** What auth asks every service to export and to delete a tenant: each speaks for its own tables, which no other may touch. */
export const tenantDataContracts: Record<DatabaseService, TenantDataContract> = byDatabaseService((service) =>
  contract(`${service}.tenant_data`, methods),
);
