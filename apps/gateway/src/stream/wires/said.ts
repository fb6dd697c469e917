import { invalidField, limits, type MessageFile } from '@taai/contracts';
import { isBody, type Body } from './wire-body';

/** What a message says: a text, and the files that go with it. */
export interface Said {
  text: string;
  files: MessageFile[];
}

/** What parts say, of which those that are no text `fileOf` reads. Throws `validation_failed`. */
export function saidIn(parts: unknown, path: string, fileOf: (part: Body, path: string) => MessageFile): Said {
  if (!Array.isArray(parts) || parts.length === 0) throw invalidField(path, 'should not be empty');
  if (parts.length > limits.contentParts)
    throw invalidField(path, `must contain no more than ${limits.contentParts} elements`);
  const said: Said = { text: '', files: [] };
  parts.forEach((part: unknown, at) => {
    if (!isBody(part)) throw invalidField(`${path}.${at}`, 'must be an object');
    if (part['type'] === 'text') said.text += textIn(part, 'text', `${path}.${at}`);
    else said.files.push(fileOf(part, `${path}.${at}`));
  });
  return said;
}

/** The field, which must be a text. */
export function textIn(part: Body, field: string, path: string): string {
  const value = part[field];
  if (typeof value !== 'string') throw invalidField(`${path}.${field}`, 'must be a string');
  return value;
}

/** The file by its URL, with its name if the part has one. */
export function fileAt(url: string, { filename }: Body, path: string): MessageFile {
  if (filename === undefined) return { url };
  if (typeof filename !== 'string') throw invalidField(`${path}.filename`, 'must be a string');
  return { url, filename };
}

/** Base64 as the data URL that it may be already. */
export const asDataUrl = (data: string, type = ''): string =>
  /^data:/i.test(data) ? data : `data:${type};base64,${data}`;
