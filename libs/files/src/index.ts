export { FileInspection, type InspectedFile } from './inspection/file-inspection';
export * from './store/file-store';
export * from './store/file-store.provider';
