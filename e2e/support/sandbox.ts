import { readCalls, type Call } from '../../scripts/sandbox/calls';
import { lastUserMessage } from '../../scripts/sandbox/chat';

/** The newest call whose last message of a user contains `text`. */
export async function sandboxCall(sandboxUrl: string, text: string): Promise<Call> {
  const call = (await readCalls(sandboxUrl)).findLast(({ messages }) => lastUserMessage(messages).includes(text));
  if (!call) throw new Error(`The sandbox was not asked for ${text}.`);
  return call;
}
