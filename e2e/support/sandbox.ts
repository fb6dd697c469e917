import { readCalls, type Call } from '../../scripts/sandbox/calls';

/** The newest call whose last message contains `text`. */
export async function sandboxCall(sandboxUrl: string, text: string): Promise<Call> {
  const call = (await readCalls(sandboxUrl)).findLast(({ messages }) => messages.at(-1)?.content.includes(text));
  if (!call) throw new Error(`The sandbox was not asked for ${text}.`);
  return call;
}
