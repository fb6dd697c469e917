// A unit test needs no server: one that does is a `*.db.spec.ts`, and this makes it fail until it is called so.
delete process.env['TEST_DATABASE_URL'];
delete process.env['TEST_REDIS_URL'];
