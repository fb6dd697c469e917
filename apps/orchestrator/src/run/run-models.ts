import { Injectable } from '@nestjs/common';
import { ProblemError } from '@taai/contracts';
import type { Candidate } from '../model/model-caller';
import { PriceBook } from '../accounting/price-book';
import { ProviderDirectory } from '../provider/provider-directory';
import { RunFailure } from './run-failure';
import type { RunState } from './run.repository';

/** The models that may answer a run. */
@Injectable()
export class RunModels {
  constructor(
    private readonly providers: ProviderDirectory,
    private readonly prices: PriceBook,
  ) {}

  /**
   * In the order in which they are tried. Throws the RunFailure `agent_not_ready` when there is none, and the ModelFailure
   * `model_unpriced` where a provider refuses one.
   */
  async candidatesOf({ provider_id, model, fallbacks = [] }: RunState): Promise<Candidate[]> {
    try {
      const candidates = await this.providers.candidates([{ provider_id, model }, ...fallbacks]);
      for (const candidate of candidates) await this.prices.assertPriced(candidate);
      return candidates;
    } catch (error) {
      throw error instanceof ProblemError ? new RunFailure('agent_not_ready', error.message) : error;
    }
  }
}
