import { join } from 'node:path';
import { services, type ServiceName } from '../libs/contracts/src/contract.ts';
import type { Surroundings } from './fleet/environment.ts';
import { baseUrl, choosePorts, freePorts, type PortChoice, type ServicePorts } from './fleet/ports.ts';
import { launchReplica, untilReady, type Replica } from './fleet/replica.ts';

export type { Replica } from './fleet/replica.ts';

export interface FleetOptions extends Surroundings {
  /** Replicas after the first take free ones. */
  ports: PortChoice;
  /** How many replicas of a service; 1 by default. */
  replicas?: Partial<Record<ServiceName, number>>;
  /** Folder of the services' logs, one file for each replica. */
  logDir: string;
}

export interface Fleet {
  /** Base URLs of the API, one for each gateway replica. */
  readonly gatewayUrls: readonly string[];
  /** The replicas of each service, those included that have ended and were not restarted. */
  readonly processes: Readonly<Record<ServiceName, readonly Replica[]>>;
  /**
   * Starts one more replica of a service, and resolves when it is ready. `env`: its own, with precedence. `program`: under dist, in place of
   * the service's.
   */
  addReplica(service: ServiceName, env?: NodeJS.ProcessEnv, program?: string): Promise<Replica>;
  /** Starts the process of a replica that has ended anew, on its ports and with its log; it need not be ready yet. */
  restart(replica: Replica): Promise<Replica>;
  /** Ends the replicas of a service and starts them again from what is in dist now; resolves when they are ready. */
  renew(service: ServiceName): Promise<void>;
  /** Stops every replica: gateways first, so that no request loses the service that it waits for. */
  stop(): Promise<void>;
}

class ProcessFleet implements Fleet {
  readonly processes: Record<ServiceName, Replica[]> = {
    gateway: [],
    auth: [],
    task: [],
    chat: [],
    orchestrator: [],
    usage: [],
    webhook: [],
  };
  private readonly surroundings: Surroundings;
  private readonly logDir: string;

  constructor({ logDir, ...surroundings }: Surroundings & { logDir: string }) {
    this.surroundings = surroundings;
    this.logDir = logDir;
  }

  get gatewayUrls(): string[] {
    return this.processes.gateway.flatMap(({ ports }) => (ports.api === undefined ? [] : [baseUrl(ports.api)]));
  }

  /** Starts the process, without waiting until it is ready. */
  async launch(service: ServiceName, ports: ServicePorts, env?: NodeJS.ProcessEnv, program?: string): Promise<Replica> {
    const replicas = this.processes[service];
    const instance = `${service}-${replicas.length + 1}`;
    const replica = await this.spawn(service, instance, ports, env, program);
    replicas.push(replica);
    return replica;
  }

  async addReplica(service: ServiceName, env?: NodeJS.ProcessEnv, program?: string): Promise<Replica> {
    const replica = await this.launch(service, await freePorts(service), env, program);
    await untilReady(replica);
    return replica;
  }

  async restart(ended: Replica): Promise<Replica> {
    const { service, instance, ports, env } = ended;
    const replica = await this.spawn(service, instance, ports, env);
    this.processes[service] = this.processes[service].map((other) => (other === ended ? replica : other));
    return replica;
  }

  async renew(service: ServiceName): Promise<void> {
    await Promise.all(
      this.processes[service].map(async (replica) => {
        await replica.stop();
        await untilReady(await this.restart(replica));
      }),
    );
  }

  async stop(): Promise<void> {
    const { gateway, ...others } = this.processes;
    await Promise.all(gateway.map((replica) => replica.stop()));
    await Promise.all(Object.values(others).flatMap((replicas) => replicas.map((replica) => replica.stop())));
  }

  private spawn(
    service: ServiceName,
    instance: string,
    ports: ServicePorts,
    env: NodeJS.ProcessEnv | undefined,
    program?: string,
  ): Promise<Replica> {
    const logFile = join(this.logDir, `${instance.replace(/-1$/, '')}.log`);
    return launchReplica({ service, instance, ports, logFile, surroundings: this.surroundings, env, program });
  }
}

/**
 * Starts the seven services as processes of their own, and resolves when all are ready. The apps must be built and the
 * database migrated.
 * @throws UserError that names the port in use, or the service that does not come up; nothing is left running then.
 */
export async function startFleet({ ports: kind, replicas = {}, ...options }: FleetOptions): Promise<Fleet> {
  const ports = await choosePorts(kind);
  const { api } = ports.gateway;
  const fleet = new ProcessFleet({ apiUrl: api === undefined ? undefined : baseUrl(api), ...options });
  try {
    for (const service of services) {
      for (let number = 1; number <= (replicas[service] ?? 1); number += 1) {
        await fleet.launch(service, number === 1 ? ports[service] : await freePorts(service));
      }
    }
    await Promise.all(Object.values(fleet.processes).flat().map(untilReady));
    return fleet;
  } catch (error) {
    await fleet.stop();
    throw error;
  }
}
