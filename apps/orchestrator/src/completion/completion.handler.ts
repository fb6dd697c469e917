import { completionContract, type EmbeddingCall } from '@taai/contracts';
import { Handles } from '@taai/platform';
import type { ChatRequest } from '@taai/providers';
import { CompletionModels } from './completion-models';
import { CompletionService } from './completion.service';
import { EmbeddingService } from './embedding.service';

@Handles(completionContract)
export class CompletionHandler {
  constructor(
    private readonly completions: CompletionService,
    private readonly embeddings: EmbeddingService,
    private readonly offered: CompletionModels,
  ) {}

  chat(input: ChatRequest, signal: AbortSignal) {
    return this.completions.chat(input, signal);
  }

  stream(input: ChatRequest, signal: AbortSignal) {
    return this.completions.stream(input, signal);
  }

  embed(input: EmbeddingCall, signal: AbortSignal) {
    return this.embeddings.embed(input, signal);
  }

  async models() {
    return { models: await this.offered.list() };
  }

  model({ id }: { id: string }) {
    return this.offered.find(id);
  }
}
