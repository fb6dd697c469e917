import { Rows } from '../database/rows';
import { JobEntity } from '../entities';

/** Jobs as the API shows a `Job`: the task service reads those of all services, and each service writes its own. */
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
