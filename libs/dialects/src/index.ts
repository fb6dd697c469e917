export * from './dialect';
export { dialects } from './registry';
export { dialectAt, routeOf } from './route';
export type { Schema } from './schema';
