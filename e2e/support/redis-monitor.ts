import { Redis } from 'ioredis';
import type { Contents } from './contents';

/** Watches every command that any client sends to the server at `url`. */
export async function watchRedis(url: string) {
  const redis = new Redis(url);
  const monitor = await redis.monitor();
  const commands: Contents = new Map();
  monitor.on('monitor', (_time: string, args: string[]) => commands.set(`${commands.size} ${args[0]}`, args.join(' ')));
  return {
    /** By number and name. */
    commands,
    stop: () => {
      monitor.disconnect();
      redis.disconnect();
    },
  };
}
