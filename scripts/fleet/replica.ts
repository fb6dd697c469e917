import { join } from 'node:path';
import type { ServiceName } from '@taai/contracts';
import { root } from '../lib/paths.ts';
import { launch, type RunningProcess } from '../lib/processes.ts';
import { reasonOf, UserError } from '../lib/user-error.ts';
import { waitFor } from '../lib/wait.ts';
import { environmentOf, type Surroundings } from './environment.ts';
import { baseUrl, type ServicePorts } from './ports.ts';

/** One process of a service. */
export interface Replica extends RunningProcess {
  readonly service: ServiceName;
  /** Names it among its service's replicas: `task-1`, `task-2`, … */
  readonly instance: string;
  readonly ports: ServicePorts;
  readonly logFile: string;
  /** Its own variables, if it has any. */
  readonly env: NodeJS.ProcessEnv | undefined;
}

export interface ReplicaSpec {
  service: ServiceName;
  instance: string;
  ports: ServicePorts;
  logFile: string;
  surroundings: Surroundings;
  /** Besides, and with precedence. */
  env?: NodeJS.ProcessEnv | undefined;
  /** Under dist; the service's own by default. */
  program?: string | undefined;
}

/** As in docker/Dockerfile. V8 would keep up to 128 MB for young objects on a large machine, in each of seven processes. */
const nodeFlags = ['--enable-source-maps', '--max-semi-space-size=16'];

const inspector = ({ inspect }: ServicePorts) => (inspect === undefined ? [] : [`--inspect=127.0.0.1:${inspect}`]);

const readyTimeoutMs = 60_000;

/** Asks `GET /health/ready`: the reason why it is not, or undefined when it is. */
async function whyNotReady(port: number): Promise<string | undefined> {
  try {
    const response = await fetch(`${baseUrl(port)}/health/ready`, { signal: AbortSignal.timeout(3_000) });
    const text = await response.text();
    return response.ok ? undefined : `${response.status} ${text.slice(0, 500)}`;
  } catch (error) {
    return reasonOf(error);
  }
}

/**
 * Resolves when the replica is ready to work.
 * @throws UserError when it ends before, or is not ready in time.
 */
export async function untilReady(replica: Replica): Promise<void> {
  const { service, logFile, ports } = replica;
  let reason: string | undefined = 'it was not asked';
  const probe = async () => {
    if (!replica.isRunning) return 'ended';
    reason = await whyNotReady(ports.management);
    return reason === undefined ? 'ready' : undefined;
  };
  const state = await waitFor(probe, readyTimeoutMs, 100);
  if (state === 'ready') return;
  if (state === 'ended') {
    throw new UserError(
      `The ${service} service ended while starting; its log (${logFile}) ends with:\n${replica.lastWords()}`,
    );
  }
  throw new UserError(
    `The ${service} service was not ready after ${readyTimeoutMs / 1000} s (${reason}); its log is ${logFile}.`,
  );
}

/** Starts a replica's process from `dist`. */
export async function launchReplica({
  service,
  instance,
  ports,
  logFile,
  surroundings,
  env,
  program = `${service}/main.js`,
}: ReplicaSpec): Promise<Replica> {
  const launched = await launch({
    command: process.execPath,
    args: [...nodeFlags, ...inspector(ports), join(root, 'dist', program)],
    env: { ...environmentOf(service, instance, ports, surroundings), ...env },
    cwd: root,
    logFile,
  });
  return Object.assign(launched, { service, instance, ports, logFile, env });
}
