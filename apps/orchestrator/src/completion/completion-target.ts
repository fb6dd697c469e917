import { Injectable } from '@nestjs/common';
import type { Agent } from '@taai/contracts';
import type { ChatMessage, ChatRequest } from '@taai/providers';
import { currentCaller } from '@taai/tenant';
import { AgentDirectory } from '../agent/agent-directory';
import type { Candidate } from '../model/model-caller';
import { ProviderDirectory } from '../provider/provider-directory';
import { fillPrompt } from '../agent/system-prompt';

export const AGENT = 'agent:';

/** The models that a call may ask, and the request for them. */
export interface CompletionTarget {
  candidates: Candidate[];
  request: Omit<ChatRequest, 'model'>;
  agent_id: string | null;
}

/** Finds out what the `model` of a request means: a model of a provider, or an agent. */
@Injectable()
export class CompletionTargets {
  constructor(
    private readonly providers: ProviderDirectory,
    private readonly agents: AgentDirectory,
  ) {}

  /** Throws `unknown_model`, `agent_not_ready`, and `validation_failed` for an agent with a variable that only a run can fill. */
  async of({ model, ...request }: ChatRequest): Promise<CompletionTarget> {
    if (!model.startsWith(AGENT)) return { candidates: [await this.providers.byName(model)], request, agent_id: null };
    const agent = await this.agents.bySlug(model.slice(AGENT.length));
    const candidates = await this.providers.candidates([agent, ...agent.fallbacks]);
    return { candidates, request: requestOf(agent, request), agent_id: agent.id };
  }
}

/**
 * An agent that is asked without a run is its prompt, its models and its parameters. What the caller says of these comes before them,
 * but for the agent's limit of the answer's length. Its tools are for runs: here the caller brings tools, and executes them.
 */
function requestOf(agent: Agent, request: CompletionTarget['request']): CompletionTarget['request'] {
  const { temperature, max_output_tokens, output_schema } = agent;
  const { parallel_tool_calls, ...parameters } = agent.parameters;
  const limit = Math.min(max_output_tokens ?? Infinity, request.max_output_tokens ?? Infinity);
  return {
    ...parameters,
    // Vendors refuse it where there are no tools.
    ...(request.tools && parallel_tool_calls !== undefined && { parallel_tool_calls }),
    ...(temperature !== null && { temperature }),
    ...(output_schema && { response_format: { type: 'json_schema', name: 'output', schema: output_schema } }),
    ...request,
    ...(limit < Infinity && { max_output_tokens: limit }),
    messages: [...instructionsOf(agent), ...request.messages],
  };
}

function instructionsOf({ system_prompt, variables }: Agent): ChatMessage[] {
  const surroundings = { now: new Date(), user_id: currentCaller().user_id ?? null };
  const content = fillPrompt(system_prompt, variables, {}, surroundings);
  return content ? [{ role: 'system', content }] : [];
}
