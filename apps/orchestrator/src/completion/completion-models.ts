import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { ProblemError, type OfferedModel } from '@taai/contracts';
import { mintedAt, RlsPool } from '@taai/entities';
import { AgentDirectory } from '../agent/agent-directory';
import { AgentRepository } from '../agent/agent.repository';
import { AGENT } from './completion-target';
import type { OpenProvider } from '../provider/known-provider';
import { ModelLists } from '../provider/model-lists';
import { ProviderDirectory } from '../provider/provider-directory';
import { problemOf } from './provider-problem';

/** How long a provider may keep the others' models waiting. Its own appear the next time. */
const PATIENCE_MS = 5000;
/** As many as fit into one message between services. */
const MOST_MODELS = 5000;

/** Tells what a request's `model` may be. */
@Injectable()
export class CompletionModels {
  constructor(
    private readonly rls: RlsPool,
    private readonly agents: AgentRepository,
    private readonly known: AgentDirectory,
    private readonly providers: ProviderDirectory,
    private readonly lists: ModelLists,
  ) {}

  /** Lists the models of providers, in the order in which they are tried, then agents. A provider that does not answer is left out. */
  async list(): Promise<OfferedModel[]> {
    const providers = await this.providers.active();
    const slugs = await this.agents.activeSlugs(this.rls);
    const models = await Promise.all(providers.map((provider) => this.modelsOf(provider)));
    return [...models.flat().slice(0, MOST_MODELS), ...slugs.map(agentModel)];
  }

  /** Finds one of them. Throws `unknown_model`, and the problem of a provider that does not answer. */
  async find(id: string): Promise<OfferedModel> {
    if (id.startsWith(AGENT)) return agentModel(await this.known.bySlug(id.slice(AGENT.length)));
    const { model, ...provider } = await this.providers.byName(id);
    const { models } = await this.lists.get(provider).catch((error: Error) => Promise.reject(problemOf(error)));
    if (!models.includes(model)) throw new ProblemError('unknown_model', 'The provider offers no such model.');
    return providerModel(provider, model);
  }

  private async modelsOf(provider: OpenProvider): Promise<OfferedModel[]> {
    const offered = this.lists.get(provider).catch(() => undefined);
    const list = await Promise.race([offered, delay(PATIENCE_MS, undefined, { ref: false })]);
    return (list?.models ?? []).map((model) => providerModel(provider, model));
  }
}

const providerModel = ({ provider_id, provider_name }: OpenProvider, model: string): OfferedModel => ({
  id: `${provider_name}/${model}`,
  created_at: mintedAt(provider_id),
  owned_by: provider_name,
});

const agentModel = ({ id, slug }: { id: string; slug: string }): OfferedModel => ({
  id: `${AGENT}${slug}`,
  created_at: mintedAt(id),
  owned_by: 'agent',
});
