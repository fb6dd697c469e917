export { Channels } from './channels';
export { LeaseLost, RunLogWriter } from './run-log-writer';
export { RunLogReader } from './run-log-reader';
