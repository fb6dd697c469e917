import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsIn, IsString, IsUUID, MaxLength, MinLength, ValidateNested } from 'class-validator';
import { Optional } from '../fields';
import { Describe } from '../schema/describe';
import { limits } from '../schema/limits';

export const contentPartTypes = ['text', 'image_url', 'image', 'file'] as const;

export class ImageUrl {
  @Describe('A data URL, or an https address.', 'https://example.com/receipt.png')
  @IsString()
  @MinLength(1)
  @MaxLength(limits.dataUrlCharacters)
  url: string;

  @Describe("How closely to look, in OpenAI's words; of no consequence.", 'auto')
  @Optional()
  @IsIn(['auto', 'low', 'high'])
  detail?: string;
}

export class FilePart {
  @Describe('Id of a file that the caller may read.')
  @Optional()
  @IsUUID()
  file_id?: string;

  @Describe('Instead, the file in base64, as a data URL or without its head.', 'data:text/plain;base64,SGVsbG8=')
  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.dataUrlCharacters)
  file_data?: string;

  @Describe('What the file is called.', 'receipt.txt')
  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.filenameCharacters)
  filename?: string;
}

/** A part of what is said, as OpenAI's clients write it; an `image` or `file` may also have what an attachment has. */
export class ContentPart {
  @Describe('What the part is.', 'text')
  @IsIn(contentPartTypes)
  type: (typeof contentPartTypes)[number];

  @Describe('What is said.', 'When is the invoice due?')
  @Optional()
  @IsString()
  @MaxLength(limits.messageCharacters)
  text?: string;

  @Describe('The image of an `image_url`.')
  @Optional()
  @ValidateNested()
  @Type(() => ImageUrl)
  image_url?: ImageUrl;

  @Describe('The file of a `file`.')
  @Optional()
  @ValidateNested()
  @Type(() => FilePart)
  file?: FilePart;

  @Describe('Id of an image or file.')
  @Optional()
  @IsUUID()
  file_id?: string;

  @Describe('Address of an image or file: a data URL, or https.', 'https://example.com/receipt.png')
  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.dataUrlCharacters)
  url?: string;

  @Describe('What such a file is called.', 'receipt.png')
  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.filenameCharacters)
  filename?: string;
}

/** What is said in parts, in the place of a text. */
export class ContentParts {
  @Describe('The parts, in their order.', [{ type: 'text', text: 'When is the invoice due?' }])
  @IsArray()
  @ArrayMaxSize(limits.contentParts)
  @ValidateNested({ each: true })
  @Type(() => ContentPart)
  content: ContentPart[];
}
