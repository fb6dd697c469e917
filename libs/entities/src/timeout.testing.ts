// The first specification that asks for a database waits until the migrations have made their template.
jest.setTimeout(20_000);
