import { Random } from './random.ts';
import { Rights, type Outcome } from './rights.ts';

/** How much of everything one tenant has. */
export interface Shape {
  users: number;
  /** Each is a device of the user `socket % users`. */
  sockets: number;
  /** Each is owned by the user `conversation % users`. */
  conversations: number;
  actions: number;
}

type Attempt<T extends string> = T extends string
  ? { type: T; socket: number; conversation: number; outcome: Outcome }
  : never;
type InConversation<T extends string> = T extends string ? { type: T; socket: number; conversation: number } : never;

/** One after the other within a tenant. The conversation after the tenant's last one is another tenant's. */
export type Action =
  | Attempt<'join' | 'send' | 'cancel'>
  | InConversation<'leave' | 'typing'>
  | { type: 'share'; conversation: number; user: number; role: 'reader' | 'writer' }
  | { type: 'unshare'; conversation: number; user: number }
  /** Goes, and comes back at the other gateway. */
  | { type: 'disconnect'; socket: number }
  /** Loses its connection, and is recovered. */
  | { type: 'cut'; socket: number }
  /** The user's session ends with all its sockets, which come back with another one. */
  | { type: 'revoke'; user: number };

const weights = {
  join: 30,
  send: 22,
  share: 14,
  unshare: 9,
  cancel: 6,
  typing: 6,
  disconnect: 6,
  leave: 4,
  cut: 4,
  revoke: 2,
} as const satisfies Record<Action['type'], number>;

export const ownersOf = ({ users, conversations }: Shape): number[] =>
  Array.from({ length: conversations }, (_, conversation) => conversation % users);

export const ownerOf = (socket: number, { users }: Shape): number => socket % users;

/** What one tenant's people do, and what has to come of it: the same for the same seed. */
export class Schedule {
  private readonly random: Random;
  private readonly rights: Rights;
  private readonly shape: Shape;
  /** Conversations that each socket is in. */
  private readonly joined: readonly Set<number>[];

  constructor(seed: number, shape: Shape) {
    this.random = new Random(seed);
    this.rights = new Rights(ownersOf(shape));
    this.shape = shape;
    this.joined = Array.from({ length: shape.sockets }, () => new Set<number>());
  }

  /** For one call. Begins with each socket that may in the conversation of its user. */
  *actions(): Generator<Action, void, undefined> {
    for (let socket = 0; socket < this.shape.sockets; socket += 1) {
      const own = ownersOf(this.shape).indexOf(ownerOf(socket, this.shape));
      if (own !== -1) yield this.join(socket, own);
    }
    for (let count = 0; count < this.shape.actions;) {
      const action = this.next(this.random.weighted(weights));
      if (!action) continue;
      count += 1;
      yield action;
    }
  }

  /** None where nobody can do such a thing now. */
  private next(type: Action['type']): Action | undefined {
    const socket = this.random.below(this.shape.sockets);
    if (type === 'share') return this.share();
    if (type === 'unshare') return this.unshare();
    if (type === 'revoke') return { type, user: this.random.below(this.shape.users) };
    if (type === 'disconnect' || type === 'cut') return { type, socket };
    if (type === 'leave' || type === 'typing') return this.inside(type, socket);
    // The last one is another tenant's.
    const conversation = this.random.below(this.shape.conversations + 1);
    if (type === 'join') return this.join(socket, conversation);
    const outcome = this.rights.outcome(ownerOf(socket, this.shape), conversation, 'writer');
    // Runs end by themselves: what is cancelled is not for the sender to cancel.
    return type === 'cancel' && outcome === 'ok' ? undefined : { type, socket, conversation, outcome };
  }

  private join(socket: number, conversation: number): Action {
    const outcome = this.rights.outcome(ownerOf(socket, this.shape), conversation, 'reader');
    if (outcome === 'ok') this.joined[socket]?.add(conversation);
    return { type: 'join', socket, conversation, outcome };
  }

  private inside(type: 'leave' | 'typing', socket: number): Action | undefined {
    const joined = this.joined[socket];
    if (!joined || joined.size === 0) return undefined;
    const conversation = this.random.pick([...joined]);
    const user = ownerOf(socket, this.shape);
    if (type === 'typing' && this.rights.outcome(user, conversation, 'writer') !== 'ok') return undefined;
    if (type === 'leave') joined.delete(conversation);
    return { type, socket, conversation };
  }

  private share(): Action {
    const conversation = this.random.below(this.shape.conversations);
    const owner = ownersOf(this.shape)[conversation];
    const others = Array.from({ length: this.shape.users }, (_, user) => user).filter((user) => user !== owner);
    const [user, role] = [this.random.pick(others), this.random.pick(['reader', 'writer'] as const)];
    this.rights.share(conversation, user, role);
    return { type: 'share', conversation, user, role };
  }

  private unshare(): Action | undefined {
    const conversation = this.random.below(this.shape.conversations);
    const guests = this.rights.guests(conversation);
    if (guests.length === 0) return undefined;
    const user = this.random.pick(guests);
    this.rights.unshare(conversation, user);
    for (const [socket, joined] of this.joined.entries())
      if (ownerOf(socket, this.shape) === user) joined.delete(conversation);
    return { type: 'unshare', conversation, user };
  }
}
