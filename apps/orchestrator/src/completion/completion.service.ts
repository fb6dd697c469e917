import { Inject, Injectable } from '@nestjs/common';
import type { Completion, CompletionEnd, CompletionHead, CompletionPiece } from '@taai/contracts';
import type { ChatEvent, ChatRequest } from '@taai/providers';
import { StreamedCalls } from '../accounting/streamed-calls';
import { StreamedLedger } from '../accounting/streamed-ledger';
import { CompletionTargets } from './completion-target';
import type { ModelReply } from '../model/model-call';
import { ModelCaller, type ChatCaller } from '../model/model-caller';
import { BoundedQueue } from './bounded-queue';
import { problemOf } from './provider-problem';
import { accountFor, roughPromptTokens } from '../accounting/usage-estimate';

/** As long as the contract lets the gateway wait. */
const ANSWER_MS = 600_000;

/** Takes a piece of the answer. `head` returns who gives it. */
type Take = (event: ChatEvent, head: () => CompletionHead) => void | Promise<void>;

/** An answer, or what came of one before it failed. */
interface Asked {
  head: CompletionHead;
  reply: ModelReply;
  end: CompletionEnd;
}

/** Has models answer the calls of the chat API. A call ends when its client leaves. */
@Injectable()
export class CompletionService {
  constructor(
    private readonly targets: CompletionTargets,
    @Inject(ModelCaller) private readonly models: ChatCaller,
    private readonly ledger: StreamedLedger,
  ) {}

  async chat(call: ChatRequest, signal: AbortSignal): Promise<Completion> {
    let reasoning = '';
    const note: Take = (event) => {
      if (event.type === 'reasoning') reasoning += event.text;
    };
    const { head, reply, end } = await this.ask(call, signal, note, { whole: true });
    if (reply.failure) throw problemOf(reply.failure);
    return { head, reply: { text: reply.text, reasoning, tool_calls: reply.tool_calls }, end };
  }

  /** Throws a failure before the first piece; the last piece contains later ones, with the usage. */
  stream(call: ChatRequest, signal: AbortSignal): AsyncIterable<CompletionPiece> {
    const queue = new BoundedQueue<CompletionPiece>(signal);
    this.write(call, signal, queue).then(
      () => queue.end(),
      (error: Error) => queue.end(error),
    );
    return queue;
  }

  private async write(call: ChatRequest, signal: AbortSignal, queue: BoundedQueue<CompletionPiece>): Promise<void> {
    let begun = false;
    const { head, reply, end } = await this.ask(call, signal, (event, headNow) => {
      if (!begun) void queue.push({ type: 'head', ...headNow() });
      begun = true;
      return queue.push(event);
    });
    const problem = reply.failure && problemOf(reply.failure);
    if (problem && !begun) throw problem;
    if (!begun) void queue.push({ type: 'head', ...head });
    void queue.push({ type: 'end', ...end, ...(problem && { problem: problem.toJSON() }) });
  }

  /** Throws a ProblemError when no call was made, or when one could not be accounted for. */
  private async ask(call: ChatRequest, signal: AbortSignal, take: Take, { whole = false } = {}): Promise<Asked> {
    const { candidates, request, agent_id } = await this.targets.of(call);
    const calls = new StreamedCalls<ModelReply>(this.ledger, {
      kind: 'chat',
      agent_id,
      input_tokens: roughPromptTokens(request),
      account: (reply, kind) => accountFor(reply, request, kind),
    });
    const head = () => calls.head();
    const attempt = await this.models
      .call(candidates, request, {
        signal: AbortSignal.any([signal, calls.refused]),
        deadline: Date.now() + ANSWER_MS,
        accounting: calls,
        whole,
        onEvent: (event) => calls.whenOpen(() => take(event, head)),
      })
      .catch((error: Error) => Promise.reject(problemOf(error)));
    const { reply } = attempt;
    const answered = head();
    const usage = await calls.close(attempt);
    return { head: answered, reply, end: { stop_reason: reply.stop_reason ?? 'other', usage } };
  }
}
