/**
 * Some vendors want back with a tool call what OpenAI's clients have no place for (`ToolCall.opaque`). It travels in the call's id, which
 * every client returns as it was.
 */
const MARK = '~opaque~';

export const withOpaque = (id: string, opaque: string | undefined): string => (opaque ? `${id}${MARK}${opaque}` : id);

export function splitOpaque(sent: string): { id: string; opaque?: string } {
  const at = sent.indexOf(MARK);
  return at < 0 ? { id: sent } : { id: sent.slice(0, at), opaque: sent.slice(at + MARK.length) };
}
