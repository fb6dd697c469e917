/** How far back summaries are looked for, in messages beyond the window: what was said before that in a long conversation is told by none. */
export const LOOK_BACK = 200;

const listed = (alias: string, names: readonly string[]) => names.map((name) => `${alias}.${name}`).join(', ');

/**
 * The branch that leads to the message `$2` of the conversation `$1`, as far as `$3` messages: `shown`, with the `place` of each, the newest
 * first. A question may be gone on from before it is answered: then its answer stands beside the next question, and is shown before it.
 */
export function branch(...columns: string[]): string {
  const names = ['tenant_id', 'id', 'parent_message_id', 'role', 'run_id', ...columns];
  return `
  recursive path as (
    select ${listed('m', names)}, 1 as depth from messages m where m.id = $2 and m.conversation_id = $1
    union all
    select ${listed('m', names)}, p.depth + 1
    from path p join messages m on m.tenant_id = p.tenant_id and m.id = p.parent_message_id
    where p.depth < $3
  ), answered as (
    select p.*, false as is_late from path p
    union all
    select ${listed('a', names)}, q.depth, true
    from path q join path next on next.depth = q.depth - 1 and next.role = 'user'
    join messages a on a.tenant_id = q.tenant_id and a.run_id = q.run_id and a.role = 'assistant'
    where q.role = 'user'
  ), shown as (
    select *, row_number() over newest as place, lag(role) over newest as next_role from answered
    window newest as (order by depth, is_late desc)
  )`;
}

/** The run of each answer, and of each question that another one follows: it may have answered when the new one's run begins. */
export const RUN = `case when s.role = 'assistant' or s.next_role = 'user' then s.run_id end as run_id`;

/** The newest summary of the branch, and how many of its messages that does not tell of. */
export const TOLD = `
  told as (
    select s.place - 1 as since, m.content
    from shown s join message_summaries m on m.tenant_id = s.tenant_id and m.message_id = s.id
    where m.content is not null order by s.place limit 1
  )`;
