import { Injectable } from '@nestjs/common';
import { limits, ProblemError, SUMMARY_MS, type Summary, type WriteSummary } from '@taai/contracts';
import { AgentDirectory } from '../agent/agent-directory';
import { AuxiliaryModel } from '../auxiliary/auxiliary-model';
import { problemOf } from '../completion/provider-problem';
import { promptRoom } from '../context/model-window';
import { storable } from '../json/storable';
import { ProviderDirectory } from '../provider/provider-directory';
import { summaryPrompt } from './summary-prompt';

/** Some models think before they write: 300 words take 500. */
const MAX_OUTPUT_TOKENS = 2000;
/** For the instructions, and the summary so far. */
const FRAME_TOKENS = 3000;

/** Has the models of agents summarize what their agents are not shown any more. */
@Injectable()
export class SummaryService {
  constructor(
    private readonly agents: AgentDirectory,
    private readonly providers: ProviderDirectory,
    private readonly auxiliary: AuxiliaryModel,
  ) {}

  /** Throws `not_found` and `agent_not_ready`, and what the model fails with, an answer without words among it. */
  async write(input: WriteSummary): Promise<Summary> {
    const agent = await this.agents.byId(input.agent_id);
    if (!agent.is_active) throw new ProblemError('agent_not_ready', 'The agent is not active.');
    const candidates = await this.providers.candidates([agent, ...agent.fallbacks]);
    const { agent_id, conversation_id, user_id } = input;
    const { text } = await this.auxiliary
      .ask({
        kind: 'summary',
        candidates,
        messages: summaryPrompt(input, promptRoom(agent) - FRAME_TOKENS),
        max_output_tokens: MAX_OUTPUT_TOKENS,
        timeout_ms: SUMMARY_MS,
        origin: { agent_id, conversation_id, user_id },
      })
      .catch((error: Error) => Promise.reject(problemOf(error)));
    const content = storable(text.trim()).slice(0, limits.summaryCharacters).toWellFormed();
    if (content === '') throw new ProblemError('provider_unavailable', 'The model has written nothing.');
    return { content };
  }
}
