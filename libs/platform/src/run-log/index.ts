export { Channels, type ChannelListener } from './channels';
export { LeaseLost, RunLogWriter, type RunLogWriterOptions } from './run-log-writer';
export { RunLogReader, type ReadOptions, type RunLogReaderOptions } from './run-log-reader';
export { endsRun } from './run-event';
