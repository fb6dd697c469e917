import type { CreateAgent } from '@taai/contracts';
import type { ChatRequest, JsonObject, ToolCall, Usage } from '@taai/providers';
import { v7 } from 'uuid';
import type { Attempt, Candidate } from '../../model/candidate';
import type { ChatCaller, ModelCallerOptions } from '../../model/model-caller';
import { newAgent, type Stage, type User } from '../../replica.testing';
import type { LoadedTool, ToolContext, ToolLoader } from '../../tool/tool-box';

/** One answer: text, tool calls, or an error in their place. */
export interface Line {
  text?: string;
  calls?: [name: string, args: unknown, id?: string][];
  failure?: Error;
}

const scriptedUsage: Usage = {
  input_tokens: 10,
  cache_read_tokens: null,
  cache_write_tokens: null,
  output_tokens: 5,
  reasoning_tokens: null,
};

/** A model that answers as written, by the number of the step, and remembers what it was shown. */
export class ScriptedCaller implements ChatCaller {
  readonly requests: Omit<ChatRequest, 'model'>[] = [];

  constructor(private readonly script: readonly Line[]) {}

  async call(
    [candidate]: readonly Candidate[],
    request: Omit<ChatRequest, 'model'>,
    { accounting, onEvent }: ModelCallerOptions,
  ): Promise<Attempt> {
    if (!candidate) throw new Error('There is no model.');
    const call_id = v7();
    await accounting.open(call_id, candidate);
    this.requests.push(request);
    const step = request.messages.filter(({ role }) => role === 'assistant').length;
    const { text = '', calls = [], failure = null } = this.script[step] ?? {};
    if (text) await onEvent({ type: 'text', text });
    const tool_calls = calls.map(([name, args, id], index) => toolCall(name, args, id ?? `call_${index}`));
    const reply = {
      text,
      tool_calls,
      failure,
      pieces: text ? 1 : 0,
      reasoning_characters: 0,
      latency_ms: 1,
      stop_reason: calls.length > 0 ? ('tool_calls' as const) : ('stop' as const),
      usage: scriptedUsage,
    };
    return { call_id, candidate, reply };
  }
}

const toolCall = (name: string, args: unknown, id: string): ToolCall => ({
  id,
  name,
  arguments: typeof args === 'string' ? args : JSON.stringify(args),
});

type Work = (args: JsonObject, context: ToolContext) => unknown;

/** Tools that do as told, and remember every execution. */
export class ScriptedTools implements ToolLoader {
  readonly executions: { name: string; args: JsonObject; execution_id: string }[] = [];

  constructor(
    private readonly works: Record<string, Work>,
    private readonly traits: Record<string, Partial<LoadedTool>> = {},
  ) {}

  async load(names: readonly string[]): Promise<LoadedTool[]> {
    return names.flatMap((name) => {
      const work = this.works[name];
      return work ? [this.tool(name, work)] : [];
    });
  }

  private tool(name: string, work: Work): LoadedTool {
    return {
      name,
      description: name,
      tool_id: v7(),
      requires_approval: false,
      separate_approver: false,
      is_repeatable: false,
      input_schema: { type: 'object', properties: { n: { type: 'integer' } }, additionalProperties: false },
      ...this.traits[name],
      execute: async (args, context) => {
        this.executions.push({ name, args, execution_id: context.execution_id });
        return work(args, context);
      },
    };
  }
}

/** Starts a replica whose model and tools are scripted, and makes an agent of the user that may use the tools `one`, `two` and `three`. */
export async function startScripted(
  stage: Stage,
  user: User,
  script: Line[],
  tools: ScriptedTools,
  fields: Partial<CreateAgent> = {},
) {
  const caller = new ScriptedCaller(script);
  const replica = await stage.replica({}, [stage.firstKey], { caller, loader: tools });
  const agent = await newAgent(user, replica, stage);
  await user.as(() => replica.agents.update({ id: agent.id, ...fields }));
  await stage.admin.query(`update agents set tools = '{one,two,three}' where id = $1`, [agent.id]);
  const start = (variables?: Record<string, string>) =>
    user.as(() => replica.starter.start({ id: agent.id, input: 'Go', ...(variables && { variables }) }));
  return { caller, replica, agent, start };
}
