import { runOnProjectNode } from './bootstrap/run.mjs';

await runOnProjectNode('scripts/test-watch.ts');
