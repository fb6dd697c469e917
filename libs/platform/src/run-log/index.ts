export { Channels } from './channels';
export { LeaseLost, RunLogWriter } from './run-log-writer';
export { endsRun } from './run-event';
export { resumeRebuilt } from './rebuilt';
export { RunLogReader } from './run-log-reader';
export { runLogProviders } from './run-log.providers';
