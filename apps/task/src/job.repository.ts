import { Injectable } from '@nestjs/common';
import type { Job } from '@taai/contracts';
import { jobs, RlsPool } from '@taai/entities';

/** The jobs of all services, to be read; each service writes its own. */
@Injectable()
export class JobRepository {
  constructor(private readonly rls: RlsPool) {}

  find(id: string): Promise<Job | undefined> {
    return jobs.find(this.rls, { id });
  }

  /** Newest first. */
  list(after: string | undefined, limit: number): Promise<Job[]> {
    return jobs.page(this.rls, after, limit);
  }
}
