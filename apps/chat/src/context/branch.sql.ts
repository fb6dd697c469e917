/** How far back summaries are looked for, in messages beyond the window: what was said before that in a long conversation is told by none. */
export const LOOK_BACK = 200;

/** From the message `$2` of the conversation `$1` up to the first one, as far as `$3` messages. */
export const branchPath = (columns: string) => `
  recursive path as (
    select m.tenant_id, m.id, m.parent_message_id, ${columns} 1 as depth from messages m where m.id = $2 and m.conversation_id = $1
    union all
    select m.tenant_id, m.id, m.parent_message_id, ${columns} p.depth + 1
    from path p join messages m on m.tenant_id = p.tenant_id and m.id = p.parent_message_id
    where p.depth < $3
  )`;

export const BRANCH_PATH = branchPath('');

/** The newest summary of the path, and how many of its messages that does not tell of. */
export const TOLD = `
  told as (
    select p.depth - 1 as since, s.content
    from path p join message_summaries s on s.tenant_id = p.tenant_id and s.message_id = p.id
    where s.content is not null order by p.depth limit 1
  )`;
