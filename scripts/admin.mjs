import { runOnProjectNode } from './bootstrap/run.mjs';

await runOnProjectNode('scripts/admin.ts');
