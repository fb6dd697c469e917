import {
  runContract,
  type ById,
  type DecideToolCall,
  type ListRuns,
  type ReadRunEvents,
  type StartRun,
  type StartRunFor,
} from '@taai/contracts';
import { Handles } from '@taai/platform';
import { RunStarter } from './run-starter';
import { RunService } from './run.service';

@Handles(runContract)
export class RunHandler {
  constructor(
    private readonly starter: RunStarter,
    private readonly runs: RunService,
  ) {}

  start(input: StartRun) {
    return this.starter.start(input);
  }

  startFor(input: StartRunFor) {
    return this.starter.startFor(input);
  }

  list(input: ListRuns) {
    return this.runs.list(input);
  }

  get({ id }: ById) {
    return this.runs.inspect(id);
  }

  outcome({ id }: ById) {
    return this.runs.get(id);
  }

  shown({ id }: ById) {
    return this.runs.shown(id);
  }

  active() {
    return this.runs.active();
  }

  events({ id, after }: ReadRunEvents) {
    return this.runs.events(id, after);
  }

  replay({ id, after }: ReadRunEvents) {
    return this.runs.replay(id, after);
  }

  decide(input: DecideToolCall) {
    return this.runs.decide(input);
  }

  cancel({ id }: ById) {
    return this.runs.cancel(id);
  }

  cancelFor({ id }: ById) {
    return this.runs.cancelFor(id);
  }
}
