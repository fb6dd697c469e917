import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const libs = ['contracts', 'platform', 'tenant', 'rbac', 'entities', 'providers', 'dialects', 'files'];

/**
 * Import boundary: files of `folder` may not import the workspace libraries in `forbidden`, but for types of those in `types`, nor the folders
 * beside it in `rooms`. The reason is what the linter prints.
 */
const boundary = (folder, forbidden, reason, { rooms = [], types = [] } = {}) => ({
  files: [`${folder}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          ...forbidden.map((lib) => ({
            regex: `^@taai/${lib}$`,
            message: reason,
            allowTypeImports: types.includes(lib),
          })),
          ...rooms.map((room) => ({ regex: `^\\.\\./${room}/`, message: reason })),
          {
            regex: '^@taai/[^/]+/',
            message: 'A library is used through its index alone, so that its inside can change.',
          },
          {
            regex: '(^|/)(apps|libs)/',
            message:
              'No relative path into another project: apps never import apps, and libraries are imported by name.',
          },
        ],
      },
    ],
  },
});

const privateByTypeScript = {
  selector: 'PrivateIdentifier',
  message: 'Fields are private by TypeScript: `private`, not `#`.',
};

const pointlessSpreads = [
  'ObjectExpression > SpreadElement > ObjectExpression',
  'ArrayExpression > SpreadElement > ArrayExpression',
].map((selector) => ({
  selector,
  message: 'Write the fields or items themselves: a spread of a literal only saves a line.',
}));

const allBut = (...allowed) => libs.filter((lib) => !allowed.includes(lib));

export default defineConfig(
  { ignores: ['dist/', '.data/', '.nx/', 'node_modules/'] },
  js.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.cjs', '*.mjs'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
  },
  {
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.mjs', '**/*.cjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        module: 'writable',
        __dirname: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        fetch: 'readonly',
        AbortSignal: 'readonly',
        Buffer: 'readonly',
      },
    },
  },
  { files: ['scripts/**', 'bench/**', 'e2e/**', 'libs/entities/src/migrate.ts'], rules: { 'no-console': 'off' } },
  { files: ['**/*.ts', '**/*.mjs'], rules: { 'no-restricted-syntax': ['error', privateByTypeScript] } },
  {
    files: ['apps/auth', 'apps/webhook', 'libs/contracts', 'libs/platform', 'libs/tenant', 'libs/rbac', 'scripts'].map(
      (folder) => `${folder}/**/*.ts`,
    ),
    rules: { 'no-restricted-syntax': ['error', privateByTypeScript, ...pointlessSpreads] },
  },
  {
    files: ['**/*.spec.ts', 'e2e/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: ['**/*.repository.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: `ImportDeclaration[source.value='@taai/entities'] ImportSpecifier[imported.name=/^(emit|audit)$/]`,
          message: 'Services say what a change means to others: a repository reads and writes rows.',
        },
      ],
    },
  },
  boundary(
    'libs/contracts',
    allBut(),
    'contracts is the ground floor: clients and tools read it without the rest of the house.',
  ),
  {
    ...boundary(
      'libs/contracts',
      allBut(),
      'of providers a contract takes the types of a request and an answer, which vanish when it is compiled.',
      { types: ['providers'] },
    ),
    files: ['libs/contracts/src/orchestrator/completion.contract.ts'],
  },
  boundary(
    'libs/providers',
    allBut(),
    'providers knows vendors only, so that it can be used and tested without the house.',
  ),
  boundary(
    'libs/dialects',
    allBut('contracts'),
    'dialects are formats: they know the types of requests and answers, and no vendor.',
    { types: ['providers'] },
  ),
  boundary('libs/tenant', allBut('contracts'), 'tenant is the context that everything else stands on.'),
  boundary(
    'libs/rbac',
    allBut('contracts', 'tenant'),
    'rbac decides from the contract and the caller alone, never from a database.',
  ),
  boundary(
    'libs/entities',
    allBut('contracts', 'tenant'),
    'entities must load without Redis or HTTP, in migrations too.',
  ),
  boundary(
    'libs/platform',
    allBut('contracts', 'tenant', 'rbac'),
    'platform runs in the gateway, which has no database.',
  ),
  boundary(
    'libs/files',
    allBut('contracts', 'platform'),
    'files are bytes in a store: whose they are, the chat service knows.',
  ),
  boundary('apps', [], 'apps use every library.'),
  ...[
    ['model', ['provider', 'agent', 'completion', 'run', 'tool']],
    ['tool', ['provider', 'agent', 'completion', 'run', 'model']],
    ['provider', ['agent', 'completion', 'run', 'tool']],
    ['agent', ['completion', 'run', 'provider', 'model']],
    ['completion', ['run', 'tool']],
    ['run', ['completion']],
  ].map(([room, rooms]) => ({
    ...boundary(
      `apps/orchestrator/src/${room}`,
      [],
      'calls of models, and tools, know nothing of who asks; completions and runs ask, and know nothing of each other.',
      { rooms },
    ),
    ignores: ['**/*.spec.ts'],
  })),
  boundary(
    'apps/gateway',
    allBut('contracts', 'dialects', 'files', 'platform', 'tenant', 'rbac'),
    'the gateway has no database and talks to no vendor.',
  ),
);
