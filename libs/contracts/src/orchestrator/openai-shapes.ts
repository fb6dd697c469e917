import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsString,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { AnyJson, Nullable, Optional } from '../fields';

/*
 * What OpenAI's clients send and expect, for the API document. Requests are read by the gateway's own reader: unlike everywhere
 * else, fields that it does not know are ignored, as clients send whatever OpenAI adds.
 */

export class OpenAiChatRequest {
  /** `provider/model` or `agent:slug`. */
  @IsString()
  model: string;

  @IsArray()
  @ArrayMaxSize(10_000)
  @IsObject({ each: true })
  messages: object[];

  @Optional()
  @IsBoolean()
  stream?: boolean;

  /** `{include_usage}`. */
  @Optional()
  @IsObject()
  stream_options?: object;

  @Optional()
  @IsArray()
  @ArrayMaxSize(128)
  @IsObject({ each: true })
  tools?: object[];

  @Optional()
  @AnyJson()
  tool_choice?: unknown;

  @Optional()
  @IsBoolean()
  parallel_tool_calls?: boolean;

  /** `text`, `json_object` or `json_schema`. */
  @Optional()
  @IsObject()
  response_format?: object;

  @Optional()
  @IsNumber()
  temperature?: number;

  @Optional()
  @IsNumber()
  top_p?: number;

  @Optional()
  @IsInt()
  max_completion_tokens?: number;

  /** The older name of `max_completion_tokens`. */
  @Optional()
  @IsInt()
  max_tokens?: number;

  /** A text, or up to 4. */
  @Optional()
  @AnyJson()
  stop?: unknown;

  @Optional()
  @IsInt()
  seed?: number;

  @Optional()
  @IsNumber()
  frequency_penalty?: number;

  @Optional()
  @IsNumber()
  presence_penalty?: number;

  @Optional()
  @IsIn(['minimal', 'low', 'medium', 'high'])
  reasoning_effort?: string;

  @Optional()
  @IsString()
  user?: string;

  /** 1. */
  @Optional()
  @IsInt()
  n?: number;
}

export class OpenAiMessage {
  @IsIn(['assistant'])
  role: 'assistant';

  @Nullable()
  @IsString()
  content: string | null;

  @Nullable()
  @IsString()
  refusal: string | null;

  /** What the model thought aloud. */
  @Optional()
  @IsString()
  reasoning_content?: string;

  @Optional()
  @IsArray()
  @IsObject({ each: true })
  tool_calls?: object[];
}

export class OpenAiChoice {
  @IsInt()
  index: number;

  @ValidateNested()
  @Type(() => OpenAiMessage)
  message: OpenAiMessage;

  @Nullable()
  @IsObject()
  logprobs: object | null;

  @IsIn(['stop', 'length', 'tool_calls', 'content_filter'])
  finish_reason: string;
}

export class OpenAiUsage {
  @IsInt()
  prompt_tokens: number;

  @IsInt()
  completion_tokens: number;

  @IsInt()
  total_tokens: number;

  /** `cached_tokens`, `cache_write_tokens`. */
  @IsObject()
  prompt_tokens_details: object;

  /** `reasoning_tokens`. */
  @IsObject()
  completion_tokens_details: object;
}

export class OpenAiChatCompletion {
  @IsString()
  id: string;

  @IsIn(['chat.completion'])
  object: 'chat.completion';

  /** Seconds since 1970. */
  @IsInt()
  created: number;

  /** `provider/model` of who answered. */
  @IsString()
  model: string;

  @ValidateNested({ each: true })
  @Type(() => OpenAiChoice)
  choices: OpenAiChoice[];

  @ValidateNested()
  @Type(() => OpenAiUsage)
  usage: OpenAiUsage;
}

export class OpenAiEmbeddingRequest {
  /** `provider/model`. */
  @IsString()
  model: string;

  /** A text, or up to 2,048. */
  @AnyJson()
  input: unknown;

  @Optional()
  @IsInt()
  dimensions?: number;

  /** `float` if absent. */
  @Optional()
  @IsIn(['float', 'base64'])
  encoding_format?: string;
}

export class OpenAiEmbeddingUsage {
  @IsInt()
  prompt_tokens: number;

  @IsInt()
  total_tokens: number;
}

export class OpenAiEmbedding {
  @IsIn(['embedding'])
  object: 'embedding';

  @IsInt()
  index: number;

  /** Numbers, or little-endian 32-bit floats in base64. */
  @AnyJson()
  embedding: unknown;
}

export class OpenAiEmbeddings {
  @IsIn(['list'])
  object: 'list';

  @IsString()
  model: string;

  @ValidateNested()
  @Type(() => OpenAiEmbeddingUsage)
  usage: OpenAiEmbeddingUsage;

  @ValidateNested({ each: true })
  @Type(() => OpenAiEmbedding)
  data: OpenAiEmbedding[];
}

export class ModelById {
  /** `provider/model` (with `%2F` for the slash) or `agent:slug`. */
  @IsString()
  @MaxLength(300)
  id: string;
}

export class OpenAiModel {
  @IsString()
  id: string;

  @IsIn(['model'])
  object: 'model';

  /** Seconds since 1970: when the provider or agent was added. */
  @IsInt()
  created: number;

  /** The provider's name, or `agent`. */
  @IsString()
  owned_by: string;
}

export class OpenAiModels {
  @IsIn(['list'])
  object: 'list';

  @ValidateNested({ each: true })
  @Type(() => OpenAiModel)
  data: OpenAiModel[];
}
