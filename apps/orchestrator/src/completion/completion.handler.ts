import { completionContract, type CompletionCall, type EmbeddingCall, type ModelById } from '@taai/contracts';
import { Handles } from '@taai/platform';
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

  chat(input: CompletionCall, signal: AbortSignal) {
    return this.completions.chat(input, signal);
  }

  stream(input: CompletionCall, signal: AbortSignal) {
    return this.completions.stream(input, signal);
  }

  embed(input: EmbeddingCall, signal: AbortSignal) {
    return this.embeddings.embed(input, signal);
  }

  async models() {
    return { object: 'list' as const, data: await this.offered.list() };
  }

  model({ id }: ModelById) {
    return this.offered.find(id);
  }
}
