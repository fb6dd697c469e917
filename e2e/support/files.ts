import type { Answer, Client, RequestOptions } from './client';

/** A form with a file, and whatever else. */
export function formOf(bytes: Buffer | string, filename: string, fields: Record<string, string> = {}): FormData {
  const form = new FormData();
  form.append('file', new Blob([typeof bytes === 'string' ? bytes : Uint8Array.from(bytes)]), filename);
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
}

export const upload = (
  client: Client,
  bytes: Buffer | string,
  filename: string,
  options: RequestOptions = {},
): Promise<Answer> => client.post('/v1/files', formOf(bytes, filename), options);
