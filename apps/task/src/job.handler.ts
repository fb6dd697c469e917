import { jobContract, type ById, type PageQuery } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { JobService } from './job.service';

@Handles(jobContract)
export class JobHandler {
  constructor(private readonly jobs: JobService) {}

  list(input: PageQuery) {
    return this.jobs.list(input);
  }

  get(input: ById) {
    return this.jobs.get(input);
  }
}
