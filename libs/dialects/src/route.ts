import { bind, completionContract, type BoundMethod, type PublicMethod } from '@taai/contracts';
import type { Dialect } from './dialect';

const asked = {
  chat: bind(completionContract, 'chat'),
  embeddings: bind(completionContract, 'embed'),
  models: bind(completionContract, 'models'),
  model: bind(completionContract, 'model'),
} as const;

/** The route of a dialect, as if a contract declared it: whoever may call the method that it asks may use the route. */
export const routeOf = ({ kind, name, http, summary }: Dialect): BoundMethod<PublicMethod> => ({
  rpc: name,
  service: asked[kind].service,
  method: { ...asked[kind].method, http, summary, status: 200 },
});

/** The dialect that is spoken at a URL, and at all below it, where requests may go astray. */
export function dialectAt(url: string, dialects: readonly Dialect[]): Dialect | undefined {
  const [path = ''] = url.split('?', 1);
  return dialects.find(({ http }) => {
    const known = http.replace(/^\w+ /, '').replace(/\/:.*$/, '');
    return path === known || path.startsWith(`${known}/`);
  });
}
