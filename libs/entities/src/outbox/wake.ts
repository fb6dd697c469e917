import type { DataSource } from 'typeorm';

const wakers = new WeakMap<DataSource, () => void>();

/** `wake` is called after each commit of the data source's that put something into the outbox. */
export const onOutbox = (dataSource: DataSource, wake: () => void): void => void wakers.set(dataSource, wake);

const nobody = () => undefined;

/** Wakes the relays of the outbox, if there is a way to. */
export const wakerOf = (dataSource: DataSource): (() => void) => wakers.get(dataSource) ?? nobody;
