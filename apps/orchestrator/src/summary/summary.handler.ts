import { summaryContract, type WriteSummary } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { SummaryService } from './summary.service';

@Handles(summaryContract)
export class SummaryHandler {
  constructor(private readonly summaries: SummaryService) {}

  write(input: WriteSummary) {
    return this.summaries.write(input);
  }
}
