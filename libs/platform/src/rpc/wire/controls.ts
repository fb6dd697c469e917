/** A grant, or without `credit` a cancellation, of one call. */
export interface Control {
  /** The request's id. */
  id: string;
  /** The number of the last output that the replica may send; absent when nobody waits for the call any more. */
  credit?: number;
}

/** One line for each. */
export const encodeControl = ({ id, credit }: Control): string =>
  credit === undefined ? `-${id}` : `+${id}/${credit}`;

/** An element of a replica's list: the caller, then what it says. */
export const encodeControls = (caller: string, lines: readonly string[]): string => `${caller}\n${lines.join('\n')}`;

/** Lines of an unknown kind are skipped. */
export function decodeControls(element: string): { caller: string; controls: Control[] } {
  const [caller = '', ...lines] = element.split('\n');
  return { caller, controls: lines.flatMap(decodeControl) };
}

function decodeControl(line: string): Control[] {
  if (line.startsWith('-')) return [{ id: line.slice(1) }];
  const [, id, credit] = /^\+([^/]+)\/(\d+)$/.exec(line) ?? [];
  return id ? [{ id, credit: Number(credit) }] : [];
}
