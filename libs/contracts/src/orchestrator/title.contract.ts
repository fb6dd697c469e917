import { contract, typed } from '../contract';

/** A conversation that has no title, and how it began. */
export interface SuggestTitle {
  agent_id: string;
  conversation_id: string;
  /** Who opened it; the call is accounted for as theirs. */
  user_id: string | null;
  question: string;
  answer: string;
}

/** Null: the agent gives no titles, or the model had none that can be used. */
export interface SuggestedTitle {
  title: string | null;
}

export const titleContract = contract('orchestrator.title', {
  suggest: {
    summary: 'Have a model name a conversation, by a small call that is accounted for like all others',
    callers: ['chat'],
    input: typed<SuggestTitle>(),
    output: typed<SuggestedTitle>(),
    effect: 'once',
    long: true,
    timeout_ms: 30_000,
  },
});
