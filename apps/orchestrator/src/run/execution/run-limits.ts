import { Injectable } from '@nestjs/common';

/** Limits of the execution of runs. */
@Injectable()
export class RunLimits {
  /** Runs that a replica executes at once; more wait in the queue. */
  slots = 200;
  /** From its start, without the time that it waits for approvals; then the run fails with `deadline_exceeded`. */
  deadline_seconds = 600;
  /** Then a run that waits for an approval fails with `approval_expired`. */
  approval_seconds = 7 * 24 * 60 * 60;
  /** After so long without a sign of life another replica takes the run over. */
  lease_seconds = 15;
  extend_ms = 5000;
  /** How often a replica looks for runs that nobody executes. */
  sweep_ms = 3000;
  /** How long runs may go on when their replica stops. What is left must be handed over within 20 s of SIGTERM. */
  drain_ms = 15_000;
}
