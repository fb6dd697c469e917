/**
 * The SQL condition that the run `r` waits for no other: none of its conversation that has not ended has begun, or comes before it. Once
 * true it stays so, because who is admitted later comes behind.
 */
export const hasItsTurn = `(r.turn is null or not exists (
  select from public.agent_runs o
  where o.tenant_id = r.tenant_id and o.conversation_id = r.conversation_id and coalesce(o.turn, 0) < r.turn
    and o.status in ('queued', 'running', 'waiting_approval')))`;
