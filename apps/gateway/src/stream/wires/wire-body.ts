import { invalidField } from '@taai/contracts';

export type Body = Record<string, unknown>;

export const isBody = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Throws for a field that the format does not have. */
export function assertKnown(body: Body, fields: ReadonlySet<string>): void {
  const unknown = Object.keys(body).find((name) => !fields.has(name));
  if (unknown !== undefined) throw invalidField(unknown, 'should not exist');
}

/** The last message, which must be the user's, and how many come before it. */
export function lastMessage({ messages }: Body): { message: Body; path: string; earlier: number } {
  if (!Array.isArray(messages) || messages.length === 0) throw invalidField('messages', 'should not be empty');
  const earlier = messages.length - 1;
  const path = `messages.${earlier}`;
  const message: unknown = messages[earlier];
  if (!isBody(message)) throw invalidField(path, 'must be an object');
  if (message['role'] !== 'user')
    throw invalidField(`${path}.role`, 'must be user: what the tools of the agent answer, the server knows');
  return { message, path, earlier };
}
