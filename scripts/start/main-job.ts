import { read, type Api } from './api.ts';
import { readEvents, type SseEvent } from './sse.ts';

const question = 'What can you do for me?';

const buckets = ['input_tokens', 'cache_read_tokens', 'cache_write_tokens', 'output_tokens', 'reasoning_tokens'];

/** 1234 → `$0.001234`. */
const formatCost = (microUsd: number) => `$${(microUsd / 1_000_000).toFixed(6)}`;

/** `12 input, 30 output, cost $0.000020`; buckets that are unknown or zero are left out. */
export function describeUsage(usage: unknown): string {
  const counts = buckets.flatMap((bucket) => {
    const count = read(usage, bucket);
    return typeof count === 'number' && count > 0
      ? [`${count} ${bucket.replace('_tokens', '').replace('_', ' ')}`]
      : [];
  });
  const cost = read(usage, 'cost_micro_usd');
  return `${counts.join(', ') || 'not told'}; cost ${typeof cost === 'number' ? formatCost(cost) : 'unknown'}`;
}

/** Prints one event of a run; true when it is the last. */
function show({ type, data }: SseEvent, write: (text: string) => void): boolean {
  const details: unknown = JSON.parse(data);
  if (type === 'token') write(String(read(details, 'text')));
  if (type === 'usage') write(`\n\nTokens: ${describeUsage(details)}`);
  if (type === 'run.failed')
    write(`\nThe run failed: ${String(read(details, 'code'))}: ${String(read(details, 'detail'))}`);
  return ['run.completed', 'run.failed', 'run.cancelled'].includes(type);
}

/** Asks the agent a question and prints its answer as it comes, then its tokens and what they cost. */
export async function performMainJob(user: Api, agentId: string, write: (text: string) => void): Promise<void> {
  write(`\nYou:   ${question}\nAgent: `);
  const response = await user.send('POST', `/v1/agents/${agentId}/runs`, { input: question, stream: true });
  if (!response.body) throw new Error('The run was answered without a stream.');
  for await (const event of readEvents(response.body)) {
    if (!show(event, write)) continue;
    write('\n\n');
    return;
  }
  throw new Error('The stream of the run ended before the run did.');
}
