// A machine under load is no failure: what hangs is still found. And the first specification that asks for a database waits until
// the migrations have made their template.
jest.setTimeout(30_000);
