import { feedbackRatings, type FeedbackRating } from '@taai/contracts';
import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { oneOf, TimestamptzNow } from './columns';
import { MessageEntity } from './message.entity';
import { UserEntity } from './user.entity';

/** What a user thinks of an answer. */
@Entity('message_feedback')
@Check('message_feedback_rating_check', oneOf('rating', feedbackRatings))
@ForeignKey(() => MessageEntity, ['tenant_id', 'message_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
@ForeignKey(() => UserEntity, ['tenant_id', 'user_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
export class MessageFeedbackEntity {
  @PrimaryColumn('uuid')
  tenant_id: string;

  @PrimaryColumn('uuid')
  message_id: string;

  @PrimaryColumn('uuid')
  user_id: string;

  @Column('text')
  rating: FeedbackRating;

  @Column('text', { nullable: true })
  comment: string | null;

  @TimestamptzNow()
  created_at: Date;

  @TimestamptzNow()
  updated_at: Date;
}
