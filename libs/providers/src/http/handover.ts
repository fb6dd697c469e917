import { AsyncLocalStorage } from 'node:async_hooks';

/** What is known of the request of a call. An SDK stands between the two, and passes nothing on but the asynchronous context. */
interface Handover {
  /** Whether a connection has taken it: from then on the provider may have it. */
  isSent: boolean;
}

const handovers = new AsyncLocalStorage<Handover>();

/** Returns that of the call which goes on here, if there is one. */
export const currentHandover = (): Handover | undefined => handovers.getStore();

/** Does the work of a call, whose request keeps `handover` up to date. */
export const followed = <T>(handover: Handover, work: () => T): T => handovers.run(handover, work);
