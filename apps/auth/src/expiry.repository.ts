import { Injectable } from '@nestjs/common';
import { sql } from '@taai/entities';
import { DataSource } from 'typeorm';

const DELETE = sql('select delete_expired($1) as deleted');

/** What expires, of all tenants. */
@Injectable()
export class ExpiryRepository {
  constructor(private readonly db: DataSource) {}

  /** Deletes up to `limit` expired rows of each kind. Resolves to how many that were in all. */
  async deleteExpired(limit: number): Promise<number> {
    const [row] = await this.db.query<{ deleted: number }[]>(DELETE, [limit]);
    return row?.deleted ?? 0;
  }
}
