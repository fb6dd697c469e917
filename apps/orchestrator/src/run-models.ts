import { Injectable } from '@nestjs/common';
import { ProblemError } from '@taai/contracts';
import type { Candidate } from './model-caller';
import { ProviderDirectory } from './provider-directory';
import { RunFailure } from './run-failure';
import type { RunState } from './run.repository';

/** The models that may answer a run. */
@Injectable()
export class RunModels {
  constructor(private readonly providers: ProviderDirectory) {}

  /** In the order in which they are tried. Throws the RunFailure `agent_not_ready` when there is none. */
  async candidatesOf({ provider_id, model, fallbacks = [] }: RunState): Promise<Candidate[]> {
    try {
      return await this.providers.candidates([{ provider_id, model }, ...fallbacks]);
    } catch (error) {
      throw error instanceof ProblemError ? new RunFailure('agent_not_ready', error.message) : error;
    }
  }
}
