import { ProviderError } from './provider-error';

/** @throws ProviderError `invalid_request` for what is no image's address */
export function readImage(url: string): { url: string } | { media_type: string; data: string } {
  const media_type = /^data:(image\/[a-z0-9.+-]+);base64,/i.exec(url)?.[1];
  if (media_type) return { media_type: media_type.toLowerCase(), data: url.slice(url.indexOf(',') + 1) };
  if (/^https:\/\//i.test(url)) return { url };
  throw new ProviderError('invalid_request', 'An image is neither an https address nor a base64 data URL.');
}
