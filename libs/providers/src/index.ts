export { leanFetch, type Fetch } from './http/lean-fetch';
export { parseJson } from './json';
export * from './provider-error';
export * from './redactor';
export * from './registry';
export * from './types';
