import type { RunStatus, ToolExecutionStatus } from '@taai/contracts';
import { oneOf } from '@taai/entities';

/**
 * The states that a row passes through, and which of them may follow which. Conditions in SQL are built from it, so that no statement
 * makes another change than these.
 */
export class States<S extends string> {
  private readonly all: readonly S[];

  /** @param next The states that may follow each state; none: a row in it has ended. */
  constructor(private readonly next: Readonly<Record<S, readonly S[]>>) {
    this.all = Object.keys(next) as S[];
  }

  /** The SQL condition that a row is in one of the states. */
  in(...states: S[]): string {
    return states.length > 0 ? oneOf('status', states) : 'false';
  }

  /** The SQL condition that a row has not ended. */
  isOpen(): string {
    return this.in(...this.all.filter((state) => this.next[state].length > 0));
  }

  /** The SQL condition that a row may become `state`. It guards every statement that sets that state. */
  mayBecome(state: S): string {
    return this.in(...this.all.filter((before) => this.next[before].includes(state)));
  }
}

/** A run that another replica takes up becomes `running` again; so does one that waited in vain, to fail. */
export const runStates = new States<RunStatus>({
  queued: ['running', 'cancelled'],
  running: ['running', 'waiting_approval', 'completed', 'failed', 'cancelled'],
  waiting_approval: ['running'],
  completed: [],
  failed: [],
  cancelled: [],
});

/** A call that may be repeated becomes `running` again. One that its run's end overtakes fails. */
export const toolCallStates = new States<ToolExecutionStatus>({
  pending: ['running', 'failed'],
  waiting_approval: ['pending', 'rejected', 'failed'],
  running: ['running', 'completed', 'failed'],
  completed: [],
  failed: [],
  rejected: [],
});
