export type Role = 'reader' | 'writer' | 'owner';

/** What an attempt comes to: `ok`, or the code of its refusal. */
export type Outcome = 'ok' | 'not_found' | 'forbidden';

const ranks: readonly Role[] = ['reader', 'writer', 'owner'];

/** Who may see which conversation of one tenant, by the rule of ADR 32, told apart from the code that has to keep it. */
export class Rights {
  /** By conversation: each user's role. One that is not there is another tenant's. */
  private readonly roles: readonly Map<number, Role>[];

  constructor(owners: readonly number[]) {
    this.roles = owners.map((owner) => new Map([[owner, 'owner']]));
  }

  roleOf(user: number, conversation: number): Role | undefined {
    return this.roles[conversation]?.get(user);
  }

  /** What comes of asking for the conversation as `wanted`. */
  outcome(user: number, conversation: number, wanted: Role): Outcome {
    const role = this.roleOf(user, conversation);
    if (!role) return 'not_found';
    return ranks.indexOf(role) >= ranks.indexOf(wanted) ? 'ok' : 'forbidden';
  }

  share(conversation: number, user: number, role: 'reader' | 'writer'): void {
    this.roles[conversation]?.set(user, role);
  }

  unshare(conversation: number, user: number): void {
    this.roles[conversation]?.delete(user);
  }

  /** Users who take part and are not the owner. */
  guests(conversation: number): number[] {
    return [...(this.roles[conversation] ?? [])].filter(([, role]) => role !== 'owner').map(([user]) => user);
  }
}
