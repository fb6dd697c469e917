import type { Caller } from '@taai/tenant';
import type { Credential } from '../access/credentials';
import type { Principals, Seen } from '../access/principals';
import type { ConversationFollower } from '../stream/conversation-follower';
import type { Presence } from './presence';

/** Whom a socket belongs to, and by what it is known. */
export interface Admitted {
  caller: Caller;
  credential: Credential;
}

/** What sockets are served with. */
export interface SocketParts {
  principals: Principals;
  follower: ConversationFollower;
  presence: Presence;
  /** What a caller sees who was let into the conversation. */
  seen: (conversation_id: string) => Seen;
}
