import type { ServerResponse } from 'node:http';

/** Calls `leave` once the response is over: answered, or its client gone. At once if it is. */
export function whenClosed(response: ServerResponse, leave: () => void): void {
  if (response.closed) leave();
  else response.once('close', leave);
}
