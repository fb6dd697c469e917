import { Injectable } from '@nestjs/common';
import { notFound, ProblemError, type Feedback, type FeedbackList, type GiveFeedback } from '@taai/contracts';
import { FeedbackRepository } from './feedback.repository';
import { MessageAccess } from '../message/message-access';

/** What people think of answers. Who sees a message may say so, and sees what the others say. */
@Injectable()
export class FeedbackService {
  constructor(
    private readonly access: MessageAccess,
    private readonly feedback: FeedbackRepository,
  ) {}

  async list(id: string): Promise<FeedbackList> {
    await this.access.open(id, 'reader');
    return { data: await this.feedback.list(id) };
  }

  /** Throws `conflict` for what a user has said. */
  async give(input: GiveFeedback): Promise<Feedback> {
    const { message } = await this.access.open(input.id, 'reader');
    if (message.role !== 'assistant') throw new ProblemError('conflict', 'Feedback is for answers.');
    return this.feedback.put(input);
  }

  async withdraw(id: string): Promise<void> {
    await this.access.open(id, 'reader');
    if (!(await this.feedback.remove(id))) throw notFound('feedback');
  }
}
