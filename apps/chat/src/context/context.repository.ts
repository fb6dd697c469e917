import { Injectable } from '@nestjs/common';
import type { ChatMessage } from '@taai/contracts';
import { RlsPool, sql } from '@taai/entities';
import { shownOf, UNTOLD, type Branch, type Window } from './branch';
import { branch, LOOK_BACK, RUN, TOLD } from './branch.sql';

const WINDOW = sql(`
  select c.agent_id, a.context_messages as messages, a.summarize from conversations c
  join agents a on a.tenant_id = c.tenant_id and a.id = c.agent_id where c.id = $1`);

const BRANCH = sql(`
  with ${branch('content', 'attachments')}
  select s.role, s.content, s.attachments, ${RUN} from shown s order by s.place limit $3`);

const TOLD_BRANCH = sql(`
  with ${branch()}, ${TOLD}
  select s.role, m.content, m.attachments, ${RUN}, told.since::int, case when s.place = 1 then told.content end as summary
  from shown s join messages m on m.tenant_id = s.tenant_id and m.id = s.id left join told on true
  where s.place <= $4 order by s.place`);

type ToldMessage = ChatMessage & { since: number | null; summary: string | null };

/** The window of the agent of a conversation. */
export type AgentWindow = Window & { agent_id: string };

/** Reads branches of conversations for agents. */
@Injectable()
export class ContextRepository {
  constructor(private readonly rls: RlsPool) {}

  /** As the conversation's agent has it now; undefined when there is no such conversation. */
  async window(conversation_id: string): Promise<AgentWindow | undefined> {
    const [window] = await this.rls.read<AgentWindow>(WINDOW, [conversation_id]);
    return window;
  }

  /** The branch that leads to a message of the conversation; empty when it is not there. */
  async branch(conversation_id: string, tip: string, window: Window): Promise<Branch> {
    if (window.summarize) return this.toldBranch(conversation_id, tip, window);
    const messages = await this.rls.read<ChatMessage>(BRANCH, [conversation_id, tip, window.messages]);
    return { tip, messages, told: null };
  }

  private async toldBranch(conversation_id: string, tip: string, window: Window): Promise<Branch> {
    const params = [conversation_id, tip, window.messages + LOOK_BACK, window.messages + UNTOLD];
    const rows = await this.rls.read<ToldMessage>(TOLD_BRANCH, params);
    const { since = null, summary = null } = rows[0] ?? {};
    const told = since === null || summary === null ? null : { content: summary, since };
    const messages = rows.slice(0, shownOf(window, told)).map(({ since: _, summary: __, ...message }) => message);
    return { tip, messages, told };
  }
}
