export { leanFetch, type Fetch } from './lean-fetch';
export * from './provider-error';
export * from './registry';
export * from './types';
