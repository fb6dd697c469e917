import { runOnProjectNode } from './bootstrap/run.mjs';

await runOnProjectNode('scripts/start.ts');
