import { Injectable } from '@nestjs/common';
import { sql } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';

const SEARCH = sql('select id from search_conversations($1, $2, $3, $4, $5)');

/** Finds conversations by words. The resolver looks them up, in the caller's tenant alone, and answers with ids. */
@Injectable()
export class SearchRepository {
  constructor(private readonly db: DataSource) {}

  /** Newest first, those before `after`; of a user, or, null, everybody's. */
  async conversations(user_id: string | null, words: string, after: string | null, limit: number): Promise<string[]> {
    const params = [currentCaller().tenant_id, user_id, words, after, limit];
    const rows = await this.db.query<{ id: string }[]>(SEARCH, params);
    return rows.map(({ id }) => id);
  }
}
