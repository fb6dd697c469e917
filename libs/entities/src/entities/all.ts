import * as tables from './index';

/** Every table. */
export const entities = Object.values(tables);
