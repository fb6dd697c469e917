import { until } from '@taai/platform-testing';
import type { ConcurrentTurnsPolicy } from '@taai/contracts';
import { v7 } from 'uuid';
import { newAgent, startStage, type Replica, type Stage, type User } from '../replica.testing';

let stage: Stage;
let user: User;
let replicas: Replica[];
let agent_id: string;
let conversation_id: string;

beforeAll(async () => {
  stage = await startStage();
  replicas = [await stage.replica(), await stage.replica()];
});
beforeEach(async () => {
  user = await stage.newUser();
  conversation_id = v7();
});
afterAll(() => stage.close());

async function agentWith(concurrent_turns: ConcurrentTurnsPolicy): Promise<void> {
  const [replica] = replicas as [Replica];
  agent_id = (await newAgent(user, replica, stage)).id;
  await user.as(() => replica.agents.update({ id: agent_id, concurrent_turns }));
}

/** A turn that would go on for a minute; resolves to its run, or to the code of the refusal. */
const start = (replica = replicas[0] as Replica, conversation = conversation_id): Promise<string> => {
  const messages = [{ role: 'user' as const, content: 'go on [[tokens=600 delay=100]]' }];
  const order = { agent_id, conversation_id: conversation, run_id: v7(), messages };
  return user
    .as(() => replica.starter.startFor(order))
    .then(
      ({ id }) => id,
      ({ code }: { code: string }) => code,
    );
};

const statusOf = async (id: string) => (await user.as(() => (replicas[0] as Replica).runs.get(id))).status;
const cancel = (id: string) => user.as(() => (replicas[0] as Replica).runs.cancel(id));

it('that begin at once are one where the agent rejects others, in whichever replica', async () => {
  await agentWith('reject');
  const turns = await Promise.all([0, 1, 0, 1, 0, 1].map((index) => start(replicas[index])));
  const begun = turns.filter((turn) => turn !== 'turn_in_progress');
  expect(begun).toHaveLength(1);
  expect(await start(replicas[0], v7())).not.toBe('turn_in_progress');
  await cancel(begun[0] as string);
  expect(await start()).not.toBe('turn_in_progress');
});

it('end where the agent lets them be interrupted, in whichever replica they are', async () => {
  await agentWith('interrupt');
  const first = await start(replicas[0]);
  const elsewhere = await start(replicas[0], v7());
  const second = await start(replicas[1]);
  await until(async () => (await statusOf(first)) === 'cancelled');
  expect([await statusOf(second), await statusOf(elsewhere)]).toEqual(['running', 'running']);
  const others = await Promise.all([0, 1, 0, 1].map((index) => start(replicas[index])));
  await until(async () => {
    const statuses = await Promise.all([second, ...others].map(statusOf));
    return statuses.filter((status) => status === 'running').length === 1 && !statuses.includes('queued');
  });
  expect(new Set(await Promise.all([second, ...others].map(statusOf)))).toEqual(new Set(['running', 'cancelled']));
});

it('go on side by side otherwise', async () => {
  await agentWith('parallel');
  const turns = await Promise.all([start(), start()]);
  expect(await Promise.all(turns.map(statusOf))).toEqual(['running', 'running']);
});

it('end with their conversation, in whichever replica they are, and those that wait', async () => {
  await agentWith('enqueue');
  const first = await start(replicas[0]);
  const elsewhere = await start(replicas[0], v7());
  const turns = [first, await start(replicas[1]), await start(replicas[1])];
  expect(await Promise.all(turns.map(statusOf))).toEqual(['running', 'queued', 'queued']);
  await user.as(() => (replicas[1] as Replica).runs.cancelFor(conversation_id));
  await until(async () => (await Promise.all(turns.map(statusOf))).every((status) => status === 'cancelled'));
  expect(await statusOf(elsewhere)).toBe('running');
  await cancel(elsewhere);
});
