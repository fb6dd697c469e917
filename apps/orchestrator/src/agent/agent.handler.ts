import { agentContract, type ById, type CreateAgent, type PageQuery, type UpdateAgent } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { AgentService } from './agent.service';

@Handles(agentContract)
export class AgentHandler {
  constructor(private readonly agents: AgentService) {}

  create(input: CreateAgent) {
    return this.agents.create(input);
  }

  list(input: PageQuery) {
    return this.agents.list(input);
  }

  get({ id }: ById) {
    return this.agents.get(id);
  }

  update(input: UpdateAgent) {
    return this.agents.update(input);
  }

  remove({ id }: ById) {
    return this.agents.remove(id);
  }
}
