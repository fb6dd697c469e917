// SWC compiles to CommonJS here: Jest as pure ESM fails on require cycles in Nest packages (docs/adr/0002-stack.md).
const transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    {
      swcrc: false,
      module: { type: 'commonjs' },
      jsc: {
        parser: { syntax: 'typescript', decorators: true },
        target: 'es2022',
        transform: { legacyDecorator: true, decoratorMetadata: true },
      },
    },
  ],
};

const project = (name, testMatch, more = {}) => ({
  displayName: name,
  rootDir: __dirname,
  testEnvironment: 'node',
  testMatch,
  transform,
  moduleNameMapper: {
    '^@taai/([a-z]+)-testing$': '<rootDir>/libs/$1/src/testing.ts',
    '^@taai/([a-z]+)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  setupFiles: ['reflect-metadata'],
  setupFilesAfterEnv: ['<rootDir>/scripts/test/timeout.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.data/'],
  ...more,
});

module.exports = {
  projects: [
    project('unit', ['<rootDir>/{apps,libs,scripts}/**/!(*.db).spec.ts'], {
      setupFiles: ['reflect-metadata', '<rootDir>/scripts/test/without-servers.ts'],
    }),
    project('db', ['<rootDir>/{apps,libs}/**/*.db.spec.ts']),
    project('fleet', ['<rootDir>/e2e/*.fleet.ts'], { setupFilesAfterEnv: ['<rootDir>/e2e/support/timeout.ts'] }),
    project('chaos', ['<rootDir>/e2e/*.chaos.ts'], { setupFilesAfterEnv: ['<rootDir>/e2e/support/timeout.ts'] }),
    project('e2e', ['<rootDir>/e2e/*.e2e.ts'], {
      setupFilesAfterEnv: ['<rootDir>/e2e/support/timeout.ts'],
      globalSetup: '<rootDir>/e2e/support/global-setup.ts',
      globalTeardown: '<rootDir>/e2e/support/global-teardown.ts',
    }),
  ],
};
