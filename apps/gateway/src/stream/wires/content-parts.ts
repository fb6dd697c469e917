import { ContentParts, invalidField, type ContentPart, type MessageFile } from '@taai/contracts';
import { validated } from '../../route/validation';
import { asDataUrl, type Said } from './said';
import type { Body } from './wire-body';

/** A body whose text may be OpenAI's content parts, with a text and attachments in their place. */
export function withoutParts(body: Body, question: string, files: string): Body {
  const content = body[question];
  if (!Array.isArray(content)) return body;
  const said = readContentParts(content, question);
  const given = body[files] ?? [];
  // What is no list, the rules refuse.
  return {
    ...body,
    [question]: said.text,
    [files]: Array.isArray(given) ? [...(given as unknown[]), ...said.files] : given,
  };
}

function readContentParts(parts: readonly unknown[], path: string): Said {
  const { content } = validated(ContentParts, { content: parts });
  if (content.length === 0) throw invalidField(path, 'should not be empty');
  const said: Said = { text: '', files: [] };
  content.forEach((part, at) => {
    if (part.type === 'text') said.text += given(part.text, `${path}.${at}.text`);
    else said.files.push(fileOf(part, `${path}.${at}`));
  });
  return said;
}

function fileOf({ type, image_url, file, file_id, url, filename }: ContentPart, path: string): MessageFile {
  if (type === 'image_url') return { url: given(image_url, `${path}.image_url`).url };
  if (!file) return withoutAbsent({ file_id, url, filename });
  const data = file.file_data;
  return withoutAbsent({ file_id: file.file_id, url: data && asDataUrl(data), filename: file.filename });
}

function given<T>(value: T | undefined, path: string): T {
  if (value === undefined) throw invalidField(path, 'must be present');
  return value;
}

const withoutAbsent = (fields: Record<keyof MessageFile, string | undefined>): MessageFile =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
