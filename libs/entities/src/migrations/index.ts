import { Init1764000000000 } from './1764000000000-init';
import { Identity1764100000000 } from './1764100000000-identity';

/** In the order in which they run. */
export const migrations = [Init1764000000000, Identity1764100000000];
