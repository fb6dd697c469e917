// A warm `npm start`: seconds until it is ready, and the memory of its seven idle services (proportional set size). Linux only.
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { dataFolder, root } from '../scripts/lib/paths.ts';
import { launch } from '../scripts/lib/processes.ts';
import { run } from '../scripts/lib/run.ts';
import { waitFor } from '../scripts/lib/wait.ts';
import { writeResults } from './report.ts';

const ROUNDS = 3;
const START_TIMEOUT_MS = 180_000;
/** Long enough for start-up garbage to be collected and the sweeps to have run. */
const IDLE_MS = 15_000;

const logFile = join(dataFolder, 'bench-idle.log');

const isReady = async () =>
  (await readFile(logFile, 'utf8').catch(() => '')).includes('Ctrl-C stops everything') ? true : undefined;

/** The services' processes, by name. */
async function findServices(): Promise<Map<string, number>> {
  const services = new Map<string, number>();
  for (const pid of (await readdir('/proc')).map(Number).filter(Number.isInteger)) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const [, service] = new RegExp(`${root}/dist/(\\w+)/main\\.js`).exec(command) ?? [];
    if (service) services.set(service, pid);
  }
  return services;
}

async function pssMegabytes(pid: number): Promise<number> {
  const [, kilobytes] = /^Pss:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

interface Round {
  seconds: number;
  megabytes: Record<string, number>;
}

async function measure(): Promise<Round> {
  await rm(logFile, { force: true }); // it says that the last start was ready
  const since = performance.now();
  const start = await launch({ command: process.execPath, args: ['scripts/start.mjs'], env: process.env, logFile });
  try {
    if (!(await waitFor(isReady, START_TIMEOUT_MS))) throw new Error(`npm start was not ready:\n${start.lastWords()}`);
    const seconds = (performance.now() - since) / 1000;
    await delay(IDLE_MS);
    const entries = [...(await findServices())].map(
      async ([service, pid]) => [service, await pssMegabytes(pid)] as const,
    );
    return { seconds, megabytes: Object.fromEntries(await Promise.all(entries)) };
  } finally {
    await start.stop();
  }
}

const total = ({ megabytes }: Round) => Object.values(megabytes).reduce((sum, value) => sum + value, 0);

await run(async () => {
  console.log('A first start, so that the measured ones are warm …');
  await measure();
  const rounds: Round[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    console.log(`Round ${round} of ${ROUNDS} …`);
    rounds.push(await measure());
  }
  const title = 'Warm npm start, to the end of the main job, and its seven idle services';
  console.log(`\n${title}\n\n| round | seconds to ready | memory of all seven, MB |\n|---|---|---|`);
  rounds.forEach((round, index) =>
    console.log(`| ${index + 1} | ${round.seconds.toFixed(1)} | ${total(round).toFixed(0)} |`),
  );
  await writeResults('idle', { title, rounds });
  return 0;
});
