import { ownerOf, ownersOf, Schedule, type Action, type Shape } from '../../../scripts/test/crowd/schedule';
import type { Window } from '../../../scripts/test/crowd/verdict';
import type { Json } from '../client';
import { eventually } from '../eventually';
import { newAgent } from '../tenant';
import { Device } from './device';
import { newTenantOf, Person, type Stage } from './stage';

/** From the commit of a change to its effect everywhere, in milliseconds. */
export const PROMISED_MS = 5000;

type Of<T extends Action['type']> = Extract<Action, { type: T }>;

/** The people of one tenant, who do what a schedule says, and check what comes of it. */
export class TenantCrowd {
  readonly devices: Device[];
  /** When each user may see each conversation. */
  private readonly windows = new Map<string, Window[]>();
  /** Users who were taken out, while their devices may still be in the conversation. */
  private readonly leaving = new Map<string, Promise<void>>();
  private sent = 0;

  private constructor(
    readonly name: string,
    private readonly shape: Shape,
    private readonly people: Person[],
    /** The tenant's own, and behind them, once it is known, another tenant's. */
    readonly conversations: string[],
    /** The newest run of each conversation, of all tenants. */
    private readonly newestRuns: Map<string, string>,
    gateways: Stage['gateways'],
  ) {
    this.devices = Array.from(
      { length: shape.sockets },
      (_, n) => new Device(`${name}, device ${n}`, ownerOf(n, shape), gateways, n % 2 === 0 ? 0 : 1),
    );
  }

  static async create(name: string, shape: Shape, stage: Stage, newestRuns: Map<string, string>): Promise<TenantCrowd> {
    const tenant = await newTenantOf(stage);
    const agent_id = await newAgent(tenant, stage.sandboxUrl);
    const people = await Promise.all(Array.from({ length: shape.users }, () => Person.join(tenant, stage)));
    const from = performance.now();
    const conversations: string[] = [];
    for (const owner of ownersOf(shape)) {
      const { body } = await at(people, owner).client.post('/v1/conversations', { agent_id });
      conversations.push(body['id']);
    }
    const crowd = new TenantCrowd(name, shape, people, conversations, newestRuns, stage.gateways);
    for (const [conversation, owner] of ownersOf(shape).entries()) crowd.open(owner, conversation, from);
    for (const device of crowd.devices) await device.connect(at(people, device.user).client);
    return crowd;
  }

  async run(seed: number): Promise<void> {
    for (const action of new Schedule(seed, this.shape).actions()) {
      try {
        await this.perform(action);
      } catch (error) {
        throw new Error(`${this.name}: ${JSON.stringify(action)}`, { cause: error });
      }
    }
    await Promise.all(this.leaving.values());
  }

  /** The last message of each conversation, which only who is in it may be told. */
  async lastWords(): Promise<void> {
    for (const [conversation, owner] of ownersOf(this.shape).entries()) {
      const path = `/v1/conversations/${at(this.conversations, conversation)}/messages`;
      const { body } = await at(this.people, owner).client.post(path, {
        content: 'The last word [[tokens=2 delay=0]]',
      });
      expect(body['reply']).not.toBeNull();
    }
  }

  windowsOf(user: number, conversation: string): readonly Window[] {
    return this.windows.get(`${user} ${this.conversations.indexOf(conversation)}`) ?? [];
  }

  close(): void {
    for (const device of this.devices) device.close();
  }

  private perform(action: Action): Promise<void> {
    switch (action.type) {
      case 'join':
        return this.join(action);
      case 'send':
        return this.send(action);
      case 'cancel':
        return this.cancel(action);
      case 'leave':
        return this.leave(action);
      case 'typing':
        return this.type(action);
      case 'share':
        return this.share(action);
      case 'unshare':
        return this.unshare(action);
      case 'disconnect':
        return this.comeBack(this.device(action.socket), (device) => device.move(this.clientOf(device)));
      case 'cut':
        return this.comeBack(this.device(action.socket), (device) => device.cut());
      case 'revoke':
        return this.revoke(action);
    }
  }

  private async join({ socket, conversation, outcome }: Of<'join'>): Promise<void> {
    expectOutcome(await this.device(socket).join(at(this.conversations, conversation)), outcome);
  }

  private async send({ socket, conversation, outcome }: Of<'send'>): Promise<void> {
    const id = at(this.conversations, conversation);
    const content = `${this.name} says ${(this.sent += 1)} [[tokens=4 delay=1]]`;
    const answer = await this.device(socket).ask('message:send', { conversation_id: id, content });
    expectOutcome(answer, outcome);
    if (answer.ok) this.newestRuns.set(id, answer.run_id);
  }

  private async cancel({ socket, conversation, outcome }: Of<'cancel'>): Promise<void> {
    const run_id = this.newestRuns.get(at(this.conversations, conversation));
    if (run_id !== undefined) expectOutcome(await this.device(socket).ask('run:cancel', { run_id }), outcome);
  }

  private async leave({ socket, conversation }: Of<'leave'>): Promise<void> {
    const [device, id] = [this.device(socket), at(this.conversations, conversation)];
    expectOutcome(await device.ask('conversation:leave', { conversation_id: id }), 'ok');
    device.inside.delete(id);
  }

  private async type({ socket, conversation }: Of<'typing'>): Promise<void> {
    const typing = { conversation_id: at(this.conversations, conversation), is_typing: true };
    expectOutcome(await this.device(socket).ask('typing', typing), 'ok');
  }

  private async share({ conversation, user, role }: Of<'share'>): Promise<void> {
    await this.leaving.get(`${user} ${conversation}`);
    const from = performance.now();
    const body = { user_id: at(this.people, user).id, role };
    const { status } = await this.owner(conversation).client.post(this.participants(conversation), body);
    expect(status).toBe(201);
    this.open(user, conversation, from);
  }

  private async unshare({ conversation, user }: Of<'unshare'>): Promise<void> {
    const path = `${this.participants(conversation)}/${at(this.people, user).id}`;
    expect((await this.owner(conversation).client.delete(path)).status).toBe(204);
    const to = performance.now();
    const key = `${user} ${conversation}`;
    const window = this.windows.get(key)?.at(-1);
    if (window) window.to = to;
    const out = this.outOf(user, at(this.conversations, conversation), to);
    // Awaited at the end at the latest.
    out.catch(() => undefined);
    this.leaving.set(key, out);
  }

  /** None of the user's devices is in the conversation, soon. */
  private async outOf(user: number, conversation: string, since: number): Promise<void> {
    const devices = this.devices.filter((device) => device.user === user);
    const inside = () => devices.filter((device) => device.inside.has(conversation));
    await eventually(async () => expect(inside().map((device) => device.story(conversation))).toEqual([]));
    expect(performance.now() - since).toBeLessThan(PROMISED_MS);
  }

  private async comeBack(device: Device, how: (device: Device) => Promise<string[]>): Promise<void> {
    const refused = await how(device);
    for (const conversation of refused) {
      const isOpen = this.windowsOf(device.user, conversation).some(({ to }) => to === Infinity);
      expect([device.name, conversation, isOpen]).toEqual([device.name, conversation, false]);
    }
  }

  private async revoke({ user }: Of<'revoke'>): Promise<void> {
    const devices = this.devices.filter((device) => device.user === user);
    const ended = Promise.all(devices.map((device) => device.ended()));
    await at(this.people, user).logOut();
    const since = performance.now();
    await ended;
    expect(performance.now() - since).toBeLessThan(PROMISED_MS);
    await at(this.people, user).logIn();
    for (const device of devices) await this.comeBack(device, () => device.move(this.clientOf(device)));
  }

  /** Changing a role opens nothing anew. */
  private open(user: number, conversation: number, from: number): void {
    const key = `${user} ${conversation}`;
    const windows = this.windows.get(key) ?? [];
    if (windows.at(-1)?.to !== Infinity) windows.push({ from, to: Infinity });
    this.windows.set(key, windows);
  }

  private device = (socket: number) => at(this.devices, socket);
  private clientOf = ({ user }: Device) => at(this.people, user).client;
  private owner = (conversation: number) => at(this.people, at(ownersOf(this.shape), conversation));
  private participants = (conversation: number) =>
    `/v1/conversations/${at(this.conversations, conversation)}/participants`;
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`There is no item ${index}.`);
  return item;
}

function expectOutcome(answer: Json, outcome: string): void {
  expect(answer.ok ? 'ok' : answer.error.code).toBe(outcome);
}
