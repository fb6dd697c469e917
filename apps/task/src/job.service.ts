import { Injectable } from '@nestjs/common';
import { found, type ById, type Job, type PageOf, type PageQuery } from '@taai/contracts';
import { idAfter, toFittingPage } from '@taai/entities';
import { JobRepository } from './job.repository';

@Injectable()
export class JobService {
  constructor(private readonly jobs: JobRepository) {}

  async list({ limit, cursor }: PageQuery): Promise<PageOf<Job>> {
    return toFittingPage(await this.jobs.list(idAfter(cursor), limit + 1), limit);
  }

  async get({ id }: ById): Promise<Job> {
    return found('job', await this.jobs.find(id));
  }
}
