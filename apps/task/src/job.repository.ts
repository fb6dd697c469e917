import { Injectable } from '@nestjs/common';
import type { Job } from '@taai/contracts';
import { JOB_COLUMNS, RlsPool } from '@taai/entities';

const FIND = `select ${JOB_COLUMNS} from jobs where id = $1`;

const LIST = `select ${JOB_COLUMNS} from jobs where ($1::uuid is null or id < $1) order by id desc limit $2`;

/** The jobs of all services, to be read; each service writes its own. */
@Injectable()
export class JobRepository {
  constructor(private readonly rls: RlsPool) {}

  async find(id: string): Promise<Job | undefined> {
    const [job] = await this.rls.read<Job>(FIND, [id]);
    return job;
  }

  /** Newest first. */
  list(after: string | undefined, limit: number): Promise<Job[]> {
    return this.rls.read<Job>(LIST, [after ?? null, limit]);
  }
}
