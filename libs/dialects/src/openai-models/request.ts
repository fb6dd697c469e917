import type { RequestShape } from '../dialect';
import { reader } from '../reader';
import { closed, object, text } from '../schema';

const nothing = closed(object({}));
const byId = closed(
  object({ id: text({ maxLength: 300, description: '`provider/model` (with `%2F` for the slash) or `agent:slug`.' }) }),
);

export const modelsRequest: RequestShape<object> = { schema: nothing, read: reader(nothing) };

export const modelRequest: RequestShape<{ id: string }> = { schema: byId, read: reader(byId) };
