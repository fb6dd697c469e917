// A machine under load is no failure: what hangs is still found.
jest.setTimeout(30_000);
