export * from './ledger-stream';
