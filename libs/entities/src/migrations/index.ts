import { Init1764000000000 } from './1764000000000-init';

/** In the order in which they run. */
export const migrations = [Init1764000000000];
