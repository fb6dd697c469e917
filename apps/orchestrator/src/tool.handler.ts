import {
  toolContract,
  type ById,
  type CreateTool,
  type PageById,
  type PageQuery,
  type UpdateTool,
} from '@taai/contracts';
import { Handles } from '@taai/platform';
import { ToolService } from './tool.service';

@Handles(toolContract)
export class ToolHandler {
  constructor(private readonly tools: ToolService) {}

  create(input: CreateTool) {
    return this.tools.create(input);
  }

  list(input: PageQuery) {
    return this.tools.list(input);
  }

  get({ id }: ById) {
    return this.tools.get(id);
  }

  update(input: UpdateTool) {
    return this.tools.update(input);
  }

  remove({ id }: ById) {
    return this.tools.remove(id);
  }

  executions(input: PageById) {
    return this.tools.executions(input);
  }
}
