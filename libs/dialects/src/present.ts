type Present<T> = { [K in keyof T]?: Exclude<T[K], null | undefined> };

/** The fields that a client has filled: `null` is sent for what is left out. */
export const present = <T extends object>(fields: T): Present<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)) as Present<T>;
