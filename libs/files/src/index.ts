export { FileInspection } from './inspection/file-inspection';
export { assertHonest, type FileClaims } from './inspection/file-type';
export * from './store/file-store';
export * from './store/file-store.provider';
