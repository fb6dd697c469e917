import type { DataSource } from 'typeorm';

const wakers = new WeakMap<DataSource, () => void>();

/** Has `wake` called after each commit of the data source that put something into the outbox. */
export const onOutbox = (dataSource: DataSource, wake: () => void): void => void wakers.set(dataSource, wake);

const nobody = () => undefined;

/** Returns what wakes the relays of the outbox; it does nothing where `onOutbox` was not called. */
export const wakerOf = (dataSource: DataSource): (() => void) => wakers.get(dataSource) ?? nobody;
