import { Rows } from '../database/rows';
import { JobEntity } from '../entities';

/** The columns of a `Job` of the API. The task service reads the jobs of all services, and each service writes its own. */
export const jobs = new Rows(JobEntity, [
  'id',
  'kind',
  'status',
  'progress',
  'total',
  'result',
  'error_code',
  'error_detail',
  'created_at',
  'finished_at',
]);
