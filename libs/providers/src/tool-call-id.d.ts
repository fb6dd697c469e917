/** For calls of vendors that name none. It is unique, so that a conversation may hold any number of them. */
export declare const mintToolCallId: () => string;
