/** Messages that an agent is shown, the new one included. */
export const CONTEXT_WINDOW = 20;
