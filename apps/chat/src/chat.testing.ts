import {
  ProblemError,
  terminalEvent,
  type Agent,
  type ById,
  type Run,
  type RunEventData,
  type RunEventType,
  type ShownMessages,
  type StartRunFor,
  type SuggestTitle,
  type Summary,
  type WriteSummary,
} from '@taai/contracts';
import { openDataSource, RlsPool, type OutboxEntity } from '@taai/entities';
import { createTenant, createTestDatabase, createUser, type TestDatabase } from '@taai/entities-testing';
import { temporaryStore } from '@taai/files-testing';
import { Channels, RunLogReader, RunLogWriter, whenReady, type RedisClient } from '@taai/platform';
import { testRedis } from '@taai/platform-testing';
import { rolePermissions } from '@taai/rbac';
import { runInContext } from '@taai/tenant';
import { v7 } from 'uuid';
import { ContextCache } from './context/context-cache';
import { ContextRepository } from './context/context.repository';
import { ContextService } from './context/context.service';
import { BinRepository } from './conversation/bin.repository';
import { BinService } from './conversation/bin.service';
import { BinSweep } from './conversation/bin.sweep';
import { ConversationAccess } from './conversation/conversation-access';
import { ConversationRepository } from './conversation/conversation.repository';
import { ConversationService } from './conversation/conversation.service';
import { FeedbackRepository } from './feedback/feedback.repository';
import { FeedbackService } from './feedback/feedback.service';
import { MessageAccess } from './message/message-access';
import { MessageTreeRepository } from './message/message-tree.repository';
import { FileAccess } from './file/file-access';
import { FileLinks } from './file/file-links';
import { FileRepository } from './file/file.repository';
import { FileService } from './file/file.service';
import { FileSweep } from './file/file.sweep';
import { EventRepository } from './event/event.repository';
import { EventService } from './event/event.service';
import { MessageRepository } from './message/message.repository';
import { MessageWake } from './message/message-wake';
import { MessageService } from './message/message.service';
import type { Agents, Runs, Summaries, Titles } from './orchestrator';
import { ParticipantRepository } from './participant/participant.repository';
import { ParticipantService } from './participant/participant.service';
import { ReplyFollower } from './message/reply-follower';
import { ReplyService } from './message/reply.service';
import { SearchRepository } from './conversation/search.repository';
import { ShareRepository } from './share/share.repository';
import { ShareService } from './share/share.service';
import { TitleRepository } from './title/title.repository';
import { TitleService } from './title/title.service';
import { SummaryRepository } from './summary/summary.repository';
import { SummaryService } from './summary/summary.service';
import { TenantDataHandler } from './tenant-data.handler';

/** Silence after which a lost log is noticed, in milliseconds: short, so that a test need not wait for it. */
const SILENCE_MS = 50;

/** The orchestrator, as far as chat sees it: runs go on until the test says how they end. */
export class FakeOrchestrator implements Runs, Agents, Titles, Summaries {
  /** What it was asked to start, by the run's id. */
  readonly started = new Map<string, StartRunFor>();
  /** The one agent that there is. */
  agent_id = '';
  /** Thrown instead of starting a run. */
  refusal: ProblemError | undefined;
  /** Conversations whose runs it was asked to cancel. */
  readonly cancelled: string[] = [];
  /** What it was asked to name. */
  readonly entitled: SuggestTitle[] = [];
  /** How it names a conversation. */
  entitle: (input: SuggestTitle) => Promise<string | null> = async () => null;
  /** What it was asked to summarize, in this order. */
  readonly summarized: WriteSummary[] = [];
  /** How many messages the windows of models hold. */
  holds = Infinity;
  /** How it summarizes. */
  summarize: (input: WriteSummary) => Promise<string> = async ({ messages }) => `${messages.length} messages`;
  private readonly runs = new Map<string, Run>();
  private readonly logs = new Map<string, RunLogWriter>();

  constructor(private readonly redis: RedisClient) {}

  async startFor(input: StartRunFor): Promise<Run> {
    if (this.refusal) throw this.refusal;
    this.started.set(input.run_id, input);
    const run = this.runs.get(input.run_id) ?? runOf(input, { status: 'running' });
    this.runs.set(run.id, run);
    return run;
  }

  async outcome({ id }: ById): Promise<Run> {
    const run = this.runs.get(id);
    if (!run) throw new ProblemError('not_found');
    return run;
  }

  async get({ id }: ById): Promise<Agent> {
    if (id !== this.agent_id) throw new ProblemError('not_found', 'There is no such agent.');
    return { id } as Agent;
  }

  async suggest(input: SuggestTitle) {
    this.entitled.push(input);
    return { title: await this.entitle(input) };
  }

  async cancelFor({ id }: ById): Promise<void> {
    this.cancelled.push(id);
  }

  async shown({ id }: ById): Promise<ShownMessages> {
    return { messages: Math.min(this.holds, this.started.get(id)?.messages.length ?? 0) };
  }

  async write(input: WriteSummary): Promise<Summary> {
    this.summarized.push(input);
    return { content: await this.summarize(input) };
  }

  /** Ends a run without a word in its log. */
  end(run_id: string, ending: Pick<Run, 'status' | 'output'>): Run {
    const input = this.started.get(run_id);
    if (!input) throw new Error('The run was never started.');
    const run = runOf(input, { ...ending, finished_at: new Date() });
    this.runs.set(run_id, run);
    return run;
  }

  /** Ends a run: in the database, then in its log. */
  async finish(run_id: string, ending: Pick<Run, 'status' | 'output'>): Promise<void> {
    const run = this.end(run_id, ending);
    const { type, data } = terminalEvent(run);
    await this.tell(run_id, type, data);
  }

  /** Adds an event to a run's log. */
  async tell<T extends RunEventType>(run_id: string, type: T, data: RunEventData[T]): Promise<void> {
    const writer = this.logs.get(run_id) ?? new RunLogWriter(this.redis, run_id);
    this.logs.set(run_id, writer);
    writer.append(type, data);
    await writer.flush();
  }
}

function runOf({ run_id: id, agent_id, conversation_id }: StartRunFor, ending: Partial<Run>): Run {
  const run = { id, agent_id, agent_version: 1, conversation_id, status: 'running', input: '', output: null };
  const rest = { error_code: null, error_detail: null, stop_reason: null, incomplete: null, usage: null, metadata: {} };
  return { ...run, ...rest, created_at: new Date(), finished_at: null, ...ending };
}

const user_id = v7();

/** Chat on a database of its own, each replica of it on the same. */
export async function startChat() {
  const database = await createTestDatabase();
  const db = await openDataSource({ url: database.urls.chat, pool: 5 });
  const [redis, subscriber] = [testRedis('commands'), testRedis('subscriber')];
  await Promise.all([whenReady(redis), whenReady(subscriber)]);
  const orchestrator = new FakeOrchestrator(redis);
  const runLog = new RunLogReader(redis, new Channels(subscriber), { silence_ms: SILENCE_MS });
  const rls = new RlsPool(db, { prepare: true });
  const [conversationRows, messageRows] = [new ConversationRepository(rls), new MessageRepository(rls)];
  const [participantRows, tree] = [new ParticipantRepository(rls), new MessageTreeRepository(rls)];
  const binRows = new BinRepository(rls, db);
  const access = new ConversationAccess(db, conversationRows, binRows);
  const search = new SearchRepository(db);
  const messageAccess = new MessageAccess(access, messageRows);
  const wake = new MessageWake(redis);
  const titles = new TitleService(db, new TitleRepository(rls), wake, orchestrator);
  const [contextRows, contexts] = [new ContextRepository(rls), new ContextCache(redis)];
  const kept = await temporaryStore();
  const fileRows = new FileRepository(rls, db);
  const files = new FileService(
    db,
    fileRows,
    new FileAccess(db, fileRows),
    access,
    kept.store,
    new FileLinks(['key of the test']),
  );
  const events = new EventService(access, new EventRepository(rls), messageRows, orchestrator);
  const followers: Pick<ReplyFollower, 'beforeApplicationShutdown'>[] = [];
  const replica = () => {
    const summaries = new SummaryService(contextRows, new SummaryRepository(rls), contexts, orchestrator, orchestrator);
    const context = new ContextService(contextRows, contexts);
    const replies = new ReplyService(db, conversationRows, messageRows, wake, titles, context, summaries, orchestrator);
    const follower = new ReplyFollower(replies, runLog, orchestrator);
    const messages = new MessageService(
      db,
      conversationRows,
      access,
      messageAccess,
      messageRows,
      tree,
      context,
      wake,
      replies,
      follower,
      fileRows,
      files,
      orchestrator,
    );
    followers.push(follower, summaries);
    return { replies, follower, messages, context, summaries };
  };
  return {
    user_id,
    orchestrator,
    redis,
    contexts,
    contextRows,
    runLog,
    titles,
    conversations: new ConversationService(
      db,
      conversationRows,
      access,
      participantRows,
      tree,
      search,
      fileRows,
      wake,
      orchestrator,
    ),
    bin: new BinService(db, access, conversationRows, binRows, contexts, replica().replies, orchestrator),
    binRows,
    binSweep: new BinSweep(db, binRows),
    shares: new ShareService(db, access, conversationRows, messageRows, new ShareRepository(db, rls), events, {
      appUrl: 'https://app.example.com',
    }),
    feedback: new FeedbackService(messageAccess, new FeedbackRepository(rls)),
    participants: new ParticipantService(db, access, conversationRows, participantRows),
    events,
    files,
    fileRows,
    kept,
    sweep: new FileSweep(db, fileRows, files),
    tenantData: new TenantDataHandler(db, fileRows, files, contexts),
    admin: <Row extends object>(sql: string, params: readonly unknown[]) => database.admin<Row>(sql, params),
    replica,
    suspend: (tenant_id: string) =>
      database.admin(`update tenants set status = 'suspended' where id = $1`, [tenant_id]),
    expire: (share: string) =>
      database.admin(`update conversation_shares set expires_at = now() where id = $1`, [share]),
    createTenant: () => createTenantOf(database, user_id),
    createUser: (tenant_id: string) => createUser(database, tenant_id),
    setWindow: async (agent_id: string, messages: number, summarize: boolean) => {
      const text = 'update agents set context_messages = $2, summarize = $3 where id = $1';
      await database.admin(text, [agent_id, messages, summarize]);
    },
    createAgent: (tenant_id: string) => createAgent(database, tenant_id),
    eventsOf: (tenant_id: string, type: string) => eventsOf(database, tenant_id, type),
    as,
    asUser,
    async close() {
      await Promise.all(followers.map((follower) => follower.beforeApplicationShutdown()));
      await titles.beforeApplicationShutdown();
      redis.disconnect();
      subscriber.disconnect();
      await db.destroy();
      await kept.drop();
      await database.drop();
    },
  };
}

export type TestChat = Awaited<ReturnType<typeof startChat>>;

/** Does the work as a user of the tenant, in a request that may carry an Idempotency-Key. */
function as<T>(tenant_id: string, work: () => Promise<T>, idempotency_key?: string): Promise<T> {
  const caller = { tenant_id, user_id, permissions: ['*:*'], issuer: 'gateway' as const };
  return runInContext({ request_id: 'spec', caller, ...(idempotency_key && { idempotency_key }) }, work);
}

/** Does the work as one user, who may do what a member may, and more by `permissions`. */
function asUser<T>(tenant_id: string, id: string, work: () => Promise<T>, ...permissions: string[]): Promise<T> {
  const member = rolePermissions['member'] ?? [];
  const caller = { tenant_id, user_id: id, permissions: [...member, ...permissions], issuer: 'gateway' as const };
  return runInContext({ request_id: 'spec', caller }, work);
}

/** A tenant that has this user. */
async function createTenantOf(database: TestDatabase, id: string): Promise<string> {
  const tenant_id = await createTenant(database);
  const user = [tenant_id, id, `${tenant_id}@example.com`];
  await database.admin(`insert into users (tenant_id, id, email, role) values ($1, $2, $3, 'admin')`, user);
  return tenant_id;
}

async function createAgent(database: TestDatabase, tenant_id: string): Promise<string> {
  const id = v7();
  const sql = `insert into agents (tenant_id, id, name, slug, system_prompt, model) values ($1, $2, 'Ada', 'ada', '', 'm')`;
  await database.admin(sql, [tenant_id, id]);
  return id;
}

async function eventsOf(database: TestDatabase, tenant_id: string, type: string) {
  const sql = 'select payload from outbox where tenant_id = $1 and type = $2 order by id';
  return (await database.admin<OutboxEntity>(sql, [tenant_id, type])).map(({ payload }) => payload.data);
}
