import type { ChatAsked, RequestShape } from '../../dialect';
import { reader } from '../../reader';
import { boolean, object, text } from '../../schema';

const schema = object({ to: text(), say: text({ minLength: 1 }) }, { live: boolean() });
const readBody = reader(schema);

export const echoRequest: RequestShape<ChatAsked> = {
  schema,
  read(input) {
    const { to, say, live } = readBody(input);
    return { request: { model: to, messages: [{ role: 'user', content: say }] }, stream: live ?? false };
  },
};
