import type { Principals, Seen } from '../access/principals';
import type { ConversationFollower } from '../stream/conversation-follower';
import type { Presence } from './presence';

/** What sockets are served with. */
export interface SocketParts {
  principals: Principals;
  follower: ConversationFollower;
  presence: Presence;
  /** What a caller sees who was let into the conversation. */
  seen: (conversation_id: string) => Seen;
}
