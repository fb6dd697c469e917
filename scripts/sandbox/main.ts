// The sandbox provider as a process: node scripts/sandbox/main.ts --port 4010 [--host 127.0.0.1]
import { parseArgs } from 'node:util';
import { startSandbox } from './server.ts';

try {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '4010' }, host: { type: 'string' } } });
  if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535)
    throw new Error(`--port takes a number up to 65535, not ${values.port}.`);
  const sandbox = await startSandbox({ port: Number(values.port), host: values.host });
  console.log(`The sandbox provider listens on ${sandbox.url}`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sandbox.close());
} catch (error) {
  console.error(`The sandbox provider cannot start: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
