import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsString, IsUUID, MaxLength, ValidateNested } from 'class-validator';
import { contract } from '../contract';
import { Nullable } from '../fields';
import { limits } from '../schema/limits';
import { ChatMessage } from './run.contract';

/** For the model, retries and fallbacks included. */
export const SUMMARY_MS = 45_000;
const ANSWER_MS = SUMMARY_MS + 5000;

/** What has fallen out of an agent's context. */
export class WriteSummary {
  @IsUUID()
  agent_id: string;

  @IsUUID()
  conversation_id: string;

  /** Who has said the last of it: the call is made for them. */
  @Nullable()
  @IsUUID()
  user_id: string | null;

  /** The summary of what was said before. */
  @Nullable()
  @IsString()
  @MaxLength(limits.summaryCharacters)
  previous: string | null;

  /** Oldest first. */
  @IsArray()
  @ArrayMaxSize(limits.summarizedMessages)
  @ValidateNested({ each: true })
  @Type(() => ChatMessage)
  messages: ChatMessage[];
}

export class Summary {
  @IsString()
  @MaxLength(limits.summaryCharacters)
  content: string;
}

export const summaryContract = contract('orchestrator.summary', {
  write: {
    summary: "Summarize what has fallen out of an agent's context, by the agent's own model",
    callers: ['chat'],
    input: WriteSummary,
    output: Summary,
    long: true,
    timeout_ms: ANSWER_MS,
    effect: 'once',
  },
});
