import { usageContract, type ListUsageRecords, type UsageQuery } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { UsageService } from './usage.service';

@Handles(usageContract)
export class UsageHandler {
  constructor(private readonly usage: UsageService) {}

  summary(input: UsageQuery) {
    return this.usage.summary(input);
  }

  records(input: ListUsageRecords) {
    return this.usage.records(input);
  }
}
