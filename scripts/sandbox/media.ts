import { createHash } from 'node:crypto';
import { list, record, text, type Json } from './json.ts';

/** An image or a document that came with a message. */
export interface Medium {
  /** Empty in formats that do not tell. */
  media_type: string;
  bytes: number;
  /** In hex: what came is proven by it, and not kept. */
  sha256: string;
}

/** What a message holds besides text, as all vendors send it: in base64, as parts of its content or, by Ollama, beside it. */
export function mediaOf({ content, parts, images }: Json): { media?: Medium[] } {
  const media = [
    ...list(content ?? parts)
      .map(record)
      .flatMap(read),
    ...list(images).flatMap((data) => medium('', data)),
  ];
  return media.length > 0 ? { media } : {};
}

function read({ image_url, file, source, inlineData }: Json): Medium[] {
  const { media_type, data } = record(source);
  const { mimeType, data: inline } = record(inlineData);
  return [
    ...fromUrl(record(image_url).url),
    ...fromUrl(record(file).file_data),
    ...medium(media_type, data),
    ...medium(mimeType, inline),
  ];
}

function fromUrl(url: unknown): Medium[] {
  const [, type, data] = /^data:([^;,]*);base64,(.*)$/s.exec(text(url)) ?? [];
  return medium(type, data);
}

function medium(type: unknown, data: unknown): Medium[] {
  if (typeof data !== 'string') return [];
  const bytes = Buffer.from(data, 'base64');
  return [{ media_type: text(type), bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }];
}
