import { Injectable } from '@nestjs/common';
import { runContract, type RunEvent } from '@taai/contracts';
import { endsRun, RpcClient, type Client } from '@taai/platform';

/** The events of runs whose logs do not have them. Readers of one run who ask at the same time are answered together. */
@Injectable()
export class RunReplays {
  private readonly runs: Client<typeof runContract>;
  private readonly asking = new Map<string, Promise<RunEvent[]>>();

  constructor(rpc: RpcClient) {
    this.runs = rpc.for(runContract);
  }

  /** All events, or none before the run's end. Whether the caller may see the run's conversation must be checked before. */
  of(id: string): Promise<RunEvent[]> {
    const asked = this.asking.get(id) ?? this.ask(id).finally(() => this.asking.delete(id));
    this.asking.set(id, asked);
    return asked;
  }

  private async ask(id: string): Promise<RunEvent[]> {
    const events: RunEvent[] = [];
    for (;;) {
      const page = await this.runs.replay({ id, after: events.at(-1)?.id ?? 0 });
      events.push(...page.events);
      if (page.events.length === 0 || page.events.some(endsRun)) return events;
    }
  }
}
