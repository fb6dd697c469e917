import { Type } from 'class-transformer';
import { IsIn, IsISO8601, IsString, IsUUID, MaxLength, ValidateNested } from 'class-validator';
import { contract, Nothing } from '../contract';
import { ById, Nullable, Optional, type Timestamp } from '../fields';
import { Describe } from '../schema/describe';
import { limits } from '../schema/limits';

/** What a user may think of an answer. */
export const feedbackRatings = ['up', 'down'] as const;
export type FeedbackRating = (typeof feedbackRatings)[number];

export class GiveFeedback extends ById {
  @Describe('What the caller thinks of the answer.', 'up')
  @IsIn(feedbackRatings)
  rating: FeedbackRating;

  @Describe('Why, in their own words.', 'It found the invoice.')
  @Optional()
  @Nullable()
  @IsString()
  @MaxLength(limits.feedbackCharacters)
  comment?: string | null;
}

export class Feedback {
  @Describe('Id of the message.')
  @IsUUID()
  message_id: string;

  @Describe('Id of the user.')
  @IsUUID()
  user_id: string;

  @Describe('What they think of it.', 'up')
  @IsIn(feedbackRatings)
  rating: string;

  @Describe('Why.', 'It found the invoice.')
  @Nullable()
  @IsString()
  comment: string | null;

  @Describe('When it was said first.')
  @IsISO8601()
  created_at: Timestamp;

  @Describe('When it was said last.')
  @IsISO8601()
  updated_at: Timestamp;
}

export class FeedbackList {
  @Describe("What the conversation's participants think of the message, oldest first.")
  @ValidateNested({ each: true })
  @Type(() => Feedback)
  data: Feedback[];
}

export const feedbackContract = contract('chat.feedback', {
  list: {
    summary: 'List what participants think of a message',
    description: 'Answers `not_found` (404) to who does not see its conversation.',
    http: 'GET /v1/messages/:id/feedback',
    access: 'conversations:read',
    input: ById,
    output: FeedbackList,
    effect: 'safe',
  },
  give: {
    summary: 'Say what one thinks of an answer; a second time it is in the place of the first',
    description:
      'Answers `conflict` (409) for a message of a user, and `not_found` (404) to who does not see its conversation.',
    http: 'POST /v1/messages/:id/feedback',
    access: 'conversations:read',
    input: GiveFeedback,
    output: Feedback,
    status: 200,
    effect: 'idempotent',
  },
  withdraw: {
    summary: 'Take back what one has said of a message',
    description: 'Answers `not_found` (404) where there is nothing to take back.',
    http: 'DELETE /v1/messages/:id/feedback',
    access: 'conversations:read',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
});
