import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsInt,
  IsISO8601,
  IsString,
  IsUUID,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { contract, Nothing, typed, type Class } from '../contract';
import { Describe } from '../schema/describe';
import { ById, Empty, Nullable, Optional, Page, PageQuery, type Timestamp } from '../fields';
import { limits } from '../schema/limits';

/** As OpenAI's clients name them. Files are treated alike, whatever they are for. */
export const filePurposes = ['user_data', 'vision', 'assistants'] as const;
export type FilePurpose = (typeof filePurposes)[number];

/** What files may be, as their first bytes tell it. */
export const fileTypes = [
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'application/pdf',
  'text/plain; charset=utf-8',
] as const;
export type FileType = (typeof fileTypes)[number];

/** The fields of the form beside the file. */
export class UploadFile {
  @Describe('What the file is for; noted, and of no consequence.', 'user_data')
  @Optional()
  @IsIn(filePurposes)
  purpose?: FilePurpose;
}

export class FileObject {
  @Describe('Id of the file.')
  @IsUUID()
  id: string;

  @Describe('What this is.', 'file')
  @IsIn(['file'])
  object: string;

  @Describe('How long it is, in bytes.', 48213)
  @IsInt()
  bytes: number;

  @Describe('When its upload began.')
  @IsISO8601()
  created_at: Timestamp;

  @Describe('Its name, as it was uploaded.', 'invoice.pdf')
  @IsString()
  filename: string;

  @Describe('What it is for.', 'user_data')
  @IsIn(filePurposes)
  purpose: string;

  @Describe('Its type, as its first bytes tell it.', 'application/pdf')
  @IsString()
  content_type: string;

  @Describe('Id of the user who uploaded it.')
  @Nullable()
  @IsUUID()
  user_id: string | null;
}

/** A file in what somebody writes. */
export class AttachFile {
  @Describe('Id of a file that the caller may read.')
  @IsUUID()
  file_id: string;
}

/** A file in a message: one that is there, or one that comes along and is kept like an upload. */
export class MessageFile {
  @Describe('Id of a file that the caller may read.')
  @Optional()
  @IsUUID()
  file_id?: string;

  @Describe(
    'Instead, what comes along: the file itself as a data URL in base64, or an https address, from which it is fetched now, and never again. Needs `files:create`.',
    'https://example.com/receipt.png',
  )
  @Optional()
  @IsString()
  @Matches(/^(data:|https:\/\/)/i)
  @MaxLength(limits.dataUrlCharacters)
  url?: string;

  @Describe('What a file that comes along is called; absent: as its address says.', 'receipt.png')
  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.filenameCharacters)
  filename?: string;
}

/** A list of files in what somebody writes. */
export function Attachments(file: Class = AttachFile): PropertyDecorator {
  const checks = [Optional(), IsArray(), ArrayMaxSize(limits.attachments), ValidateNested({ each: true })];
  return (target, key) => [...checks, Type(() => file)].forEach((check) => check(target, key));
}

/** An attached file as it is shown: as it was when it was attached. */
export class Attachment extends AttachFile {
  @Describe('Its name.', 'invoice.pdf')
  @IsString()
  @MaxLength(limits.filenameCharacters)
  filename: string;

  @Describe('Its type.', 'application/pdf')
  @IsIn(fileTypes)
  content_type: string;

  @Describe('How long it is, in bytes.', 48213)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  bytes: number;
}

export class FileIds {
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(limits.fileIds)
  @IsUUID(undefined, { each: true })
  file_ids: string[];
}

export class AttachedFiles {
  @ValidateNested({ each: true })
  @Type(() => Attachment)
  data: Attachment[];
}

/** Where the bytes of a file are: `objectOf` makes their key of it. */
export interface FilePlace extends Attachment {
  stored_as: string;
}

/** The same of a file that an address names. */
export interface LinkedFile extends FilePlace {
  tenant_id: string;
}

/** What the bytes of a file tell. */
export interface InspectedFile {
  content_type: FileType;
  bytes: number;
  /** Of all its bytes, in hex. */
  sha256: string;
}

/** What became of an upload. */
export interface ReceivedFile extends InspectedFile {
  id: string;
  filename: string;
  stored_as: string;
  purpose: FilePurpose;
}

/** A file that comes along with a message. */
export interface BroughtFile {
  conversation_id: string;
  /** Which of the message's. */
  number: number;
  /** The link that leads to it, if one does. */
  link?: string;
}

export class CreateFileUrl extends ById {
  @Describe('For how many seconds the address is good.', 3600)
  @Optional()
  @IsInt()
  @Min(1)
  @Max(limits.fileUrlSeconds)
  expires_in?: number;
}

export class FileUrl {
  @Describe(
    "The address, behind the API's own.",
    '/v1/file-links/AZj04nwrfW6fOlsfDJp-QgGY9OJ8K31unzpbHwyafkIAAGl9_2Abc3dEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE',
  )
  @IsString()
  url: string;

  @Describe('From when on it is no longer good.')
  @IsISO8601()
  expires_at: Timestamp;
}

export class ByFileToken {
  @Describe(
    'The last part of the address.',
    'AZj04nwrfW6fOlsfDJp-QgGY9OJ8K31unzpbHwyafkIAAGl9_2Abc3dEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE',
  )
  @IsString()
  @Matches(/^[A-Za-z0-9_-]{94}$/)
  token: string;
}

export const fileContract = contract('chat.file', {
  create: {
    summary: 'Upload a file',
    description: `A form of one file and the fields. Files are ${fileTypes.join(', ')}: their bytes tell, whatever name and type they are sent under; others are answered \`unsupported_media_type\` (415), images of too many pixels \`validation_failed\` (400), too long ones \`payload_too_large\` (413), and what is more than the plan lets the tenant keep \`storage_full\` (413). A repetition with the same Idempotency-Key and another file is \`idempotency_mismatch\` (422).`,
    http: 'POST /v1/files',
    access: 'files:create',
    input: UploadFile,
    output: FileObject,
    custom: true,
    upload: true,
    effect: 'once_per_key',
  },
  list: {
    summary: 'List files, newest first',
    description: "One's own; everybody's for holders of `files:read_any`, whose use is audited.",
    http: 'GET /v1/files',
    access: 'files:read',
    input: PageQuery,
    output: Page(FileObject),
    effect: 'safe',
  },
  get: {
    summary: 'Read what is known of a file',
    description:
      'Its uploader may, who sees a conversation in which it is attached to a message, and holders of `files:read_any`. Answers `not_found` (404) to others.',
    http: 'GET /v1/files/:id',
    access: 'files:read',
    input: ById,
    output: FileObject,
    effect: 'safe',
  },
  content: {
    summary: 'Download a file',
    description: 'As an attachment, whatever its type. Who may read what is known of it may download it.',
    http: 'GET /v1/files/:id/content',
    access: 'files:read',
    input: ById,
    output: typed<FilePlace>(),
    custom: true,
    media_type: 'application/octet-stream',
    effect: 'safe',
  },
  remove: {
    summary: 'Delete a file',
    description:
      'Its uploader may, and holders of `files:manage_any`. Messages that it is attached to go on to name it; models are not shown it any more. Answers `not_found` (404) the second time.',
    http: 'DELETE /v1/files/:id',
    access: 'files:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
  createUrl: {
    summary: 'Make an address by which anybody may download a file for a while',
    description:
      'For pages and clients that cannot send a token. It is good until it expires (an hour), the file is deleted, or the tenant is suspended. Who may read the file may make one.',
    http: 'POST /v1/files/:id/url',
    access: 'files:read',
    input: CreateFileUrl,
    output: FileUrl,
    effect: 'safe',
  },
  linked: {
    summary: 'Download a file by the address that somebody made',
    description:
      'As an attachment, whatever its type. Answers `not_found` (404) to addresses that are not good, or no longer.',
    http: 'GET /v1/file-links/:token',
    access: 'public',
    input: ByFileToken,
    output: typed<LinkedFile>(),
    custom: true,
    media_type: 'application/octet-stream',
    effect: 'safe',
  },
  bring: {
    summary: 'Note that a file comes along with a message that the caller may write, before its bytes',
    callers: ['gateway'],
    input: typed<BroughtFile>(),
    output: FileObject,
    effect: 'once_per_key',
  },
  release: {
    summary: 'Delete files that came along with a message that was refused, as far as no message has them',
    callers: ['gateway'],
    input: FileIds,
    output: Nothing,
    effect: 'idempotent',
  },
  finish: {
    summary: 'Note what an upload brought: from then on the file is there',
    callers: ['gateway'],
    input: typed<ReceivedFile>(),
    output: FileObject,
    effect: 'idempotent',
  },
  discard: {
    summary: 'Forget an upload that did not come to its end',
    callers: ['gateway'],
    input: ById,
    output: Nothing,
    effect: 'idempotent',
  },
  describe: {
    summary: 'What is known of files that the caller may read',
    access: 'files:read',
    input: FileIds,
    output: AttachedFiles,
    effect: 'safe',
  },
  kept: {
    summary: "How long the tenant's files are together, for what the gateway shows of limits",
    callers: ['gateway'],
    input: Empty,
    output: typed<{ bytes: number }>(),
    effect: 'safe',
  },
  locate: {
    summary: 'Where the bytes of files are, of those that are still there',
    callers: ['orchestrator'],
    input: FileIds,
    output: typed<{ data: FilePlace[] }>(),
    effect: 'safe',
  },
});
