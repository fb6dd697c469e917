import { readAppUrl } from '@taai/platform';

/** Injects the `ChatConfig`. */
export const CHAT_CONFIG = Symbol('chat config');

/** Reads chat's own variables: `appUrl`, where links lead. */
export const readChatConfig = () => ({ appUrl: readAppUrl() });

export type ChatConfig = ReturnType<typeof readChatConfig>;
