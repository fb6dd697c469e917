import { runOnProjectNode } from './bootstrap/run.mjs';

await runOnProjectNode('scripts/bench.ts');
