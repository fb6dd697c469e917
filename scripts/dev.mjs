import { runOnProjectNode } from './bootstrap/run.mjs';

await runOnProjectNode('scripts/dev.ts');
