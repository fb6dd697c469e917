import { appendFileSync } from 'node:fs';
import { pingDatabase } from '@taai/entities';
import { bootstrapService } from '@taai/platform';
import { AppModule } from './app.module';
import { ModelCaller } from './model/model-caller';
import { HeldRun } from './run/execution/held-run';
import { ToolBox } from './tool/tool-box';

/**
 * An orchestrator that kills itself at one boundary of a run, with no chance to clean up: `DIES_AT` names it, e.g. `after advance 1`, before
 * or after the first time that a method is called. The boundaries that it passes go to the file `BOUNDARIES`.
 */
const { DIES_AT, BOUNDARIES } = process.env;
const passed = new Map<string, number>();

function pass(boundary: string): void {
  const count = (passed.get(boundary) ?? 0) + 1;
  passed.set(boundary, count);
  const name = `${boundary} ${count}`;
  if (BOUNDARIES) appendFileSync(BOUNDARIES, `${name}\n`);
  if (name === DIES_AT) process.kill(process.pid, 'SIGKILL');
}

type Work = (...args: unknown[]) => Promise<unknown>;

const bounded = (name: string, work: Work): Work =>
  async function (this: unknown, ...args) {
    pass(`before ${name}`);
    const result = await work.apply(this, args);
    pass(`after ${name}`);
    return result;
  };

function bound(type: { prototype: object }, methods: readonly string[]): void {
  for (const method of methods) {
    const work = Reflect.get(type.prototype, method) as Work;
    Reflect.set(type.prototype, method, bounded(method, work));
  }
}

bound(HeldRun, ['open', 'advance', 'begin', 'settle', 'pause', 'finish']);
bound(ModelCaller, ['call']);

const load = Reflect.get(ToolBox.prototype, 'load');
ToolBox.prototype.load = async function (names) {
  const tools = await load.call(this, names);
  return tools.map((tool) => ({
    ...tool,
    execute: bounded('execute', (...args) => tool.execute(...(args as Parameters<typeof tool.execute>))),
  }));
};

await bootstrapService('orchestrator', AppModule, { readiness: { database: pingDatabase } });
