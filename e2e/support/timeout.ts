// A journey starts processes, and waits for what machines under load do late.
jest.setTimeout(120_000);
