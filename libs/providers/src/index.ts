export * from './collect';
export { leanFetch, type Fetch, type LeanFetchOptions } from './lean-fetch';
export * from './provider-error';
export * from './registry';
export * from './types';
