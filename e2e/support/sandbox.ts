/** One call that the sandbox provider was asked for, as it saw it. */
export interface SandboxCall {
  model: string;
  messages: { role: string; content: string }[];
  finished: boolean;
  aborted: boolean;
  tokens_sent: number;
}

/** The newest call whose last message contains `text`. */
export async function sandboxCall(sandboxUrl: string, text: string): Promise<SandboxCall> {
  const { data } = (await (await fetch(`${sandboxUrl}/sandbox/calls`)).json()) as { data: SandboxCall[] };
  const call = data.findLast(({ messages }) => messages.at(-1)?.content.includes(text));
  if (!call) throw new Error(`The sandbox was not asked for ${text}.`);
  return call;
}
