import { Redis } from 'ioredis';
import type { Contents } from './contents';

/** Watches every command that any client sends to the server at `url`. */
export async function watchRedis(url: string) {
  const monitor = new Redis(url, { monitor: true });
  // The first command of others may come along with the answer to MONITOR: ioredis takes it for an answer too many, says so, and goes on.
  monitor.on('error', () => undefined);
  await new Promise((resolve) => monitor.once('monitoring', resolve));
  const commands: Contents = new Map();
  monitor.on('monitor', (_time: string, args: string[]) => commands.set(`${commands.size} ${args[0]}`, args.join(' ')));
  return {
    /** By number and name. */
    commands,
    stop: () => monitor.disconnect(),
  };
}
