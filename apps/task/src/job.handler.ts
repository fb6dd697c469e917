import { found, jobContract, type ById, type Job, type PageOf, type PageQuery } from '@taai/contracts';
import { idAfter, jobs, RlsPool, toFittingPage } from '@taai/entities';
import { Handles } from '@taai/platform';

/** Shows the jobs of all services; each service writes its own. */
@Handles(jobContract)
export class JobHandler {
  constructor(private readonly rls: RlsPool) {}

  async list({ limit, cursor }: PageQuery): Promise<PageOf<Job>> {
    return toFittingPage(await jobs.page(this.rls, idAfter(cursor), limit + 1), limit);
  }

  async get({ id }: ById): Promise<Job> {
    return found('job', await jobs.find(this.rls, { id }));
  }
}
