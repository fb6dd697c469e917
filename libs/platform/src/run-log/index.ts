export { Channels } from './channels';
export { LeaseLost, RunLogWriter } from './run-log-writer';
export { endsRun, resumeRebuilt } from './run-events';
export { RunLogReader } from './run-log-reader';
export { RunLogRoom } from './run-log-room';
export { runLogProviders } from './run-log.providers';
