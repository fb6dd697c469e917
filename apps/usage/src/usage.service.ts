import { Injectable } from '@nestjs/common';
import {
  invalidField,
  ProblemError,
  type ListUsageRecords,
  type PageOf,
  type UsageQuery,
  type UsageRecord,
  type UsageSummary,
} from '@taai/contracts';
import { idAfter, toPage } from '@taai/entities';
import { periodOf } from './period';
import { UsageRepository, type Sums } from './usage.repository';

@Injectable()
export class UsageService {
  constructor(private readonly usage: UsageRepository) {}

  /** Calls that are under way are not in it. */
  async summary(query: UsageQuery): Promise<UsageSummary> {
    const period = periodOf(query);
    const [total, ...groups] = await this.usage.sum(period, query.group_by).catch(refuseInexact);
    if (!total) throw new Error('A sum has at least its total.');
    return { ...period, totals: totalsOf(total), groups: groups.map(groupOf) };
  }

  async records({ limit, cursor, ...filter }: ListUsageRecords): Promise<PageOf<UsageRecord>> {
    const after = idAfter(cursor);
    if (after !== undefined && !isVersion7(after)) throw new ProblemError('invalid_cursor');
    const rows = await this.usage.page(filter, after, limit + 1);
    return toPage(rows, limit, ({ call_id }) => [call_id]);
  }
}

/** Only such an id tells the time that the list goes on from. */
const isVersion7 = (id: string) => id[14] === '7';

const groupOf = ({ is_total: _is_total, ...group }: Sums) => group;
const totalsOf = ({ is_total: _is_total, key: _key, ...totals }: Sums) => totals;

/** JSON numbers are exact up to 2^53: a larger sum is refused, never rounded. */
function refuseInexact(error: unknown): never {
  if (!(error instanceof RangeError)) throw error;
  throw invalidField('from', 'must be later: the sums of so long a time are too large to be exact');
}
