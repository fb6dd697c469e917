/** What a tree is made of, wherever it comes from. */
export interface TreeMessage {
  id: string;
  parent_message_id: string | null;
  role: string;
  content: string;
}

/** A message, and what goes on from it, oldest first. */
export interface Branch {
  id: string;
  said: string;
  then: Branch[];
}

/** The tree that a client builds of the messages that it has, in whatever order they came, and however often. */
export function treeOf(messages: readonly TreeMessage[]): Branch[] {
  const known = [...new Map(messages.map((message) => [message.id, message])).values()];
  const sorted = known.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const byParent = Map.groupBy(sorted, ({ parent_message_id }) => parent_message_id);
  const branchesOf = (parent: string | null): Branch[] =>
    (byParent.get(parent) ?? []).map(({ id, role, content }) => ({
      id,
      said: `${role}: ${content}`,
      then: branchesOf(id),
    }));
  return branchesOf(null);
}

export const sizeOf = (tree: readonly Branch[]): number => tree.reduce((sum, { then }) => sum + 1 + sizeOf(then), 0);
