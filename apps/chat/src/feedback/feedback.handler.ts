import { feedbackContract, type ById, type GiveFeedback } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { FeedbackService } from './feedback.service';

@Handles(feedbackContract)
export class FeedbackHandler {
  constructor(private readonly feedback: FeedbackService) {}

  list({ id }: ById) {
    return this.feedback.list(id);
  }

  give(input: GiveFeedback) {
    return this.feedback.give(input);
  }

  withdraw({ id }: ById) {
    return this.feedback.withdraw(id);
  }
}
