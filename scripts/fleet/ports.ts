import { services, type ServiceName } from '../../libs/contracts/src/contract.ts';
import { gatewayPort, managementPorts } from '../../libs/platform/src/config/ports.ts';
import { freePort, isFree } from '../lib/ports.ts';
import { UserError } from '../lib/user-error.ts';

export interface ServicePorts {
  /** Health and metrics. */
  management: number;
  /** The API; the gateway's alone. */
  api?: number;
  /** Where a debugger attaches. */
  inspect?: number;
}

/** `default`: the documented ports, for one fleet on a machine; `inspected`: these, and one more for a debugger; `free`: any. */
export type PortChoice = 'default' | 'inspected' | 'free';

const everywhere = ['0.0.0.0', '::', ''];

/** Where we reach what listens on `port` of HOST. */
export function baseUrl(port: number): string {
  const host = process.env.HOST ?? '';
  return `http://${everywhere.includes(host) ? '127.0.0.1' : host}:${port}`;
}

const isPort = (port: number) => Number.isInteger(port) && port > 0 && port < 65_536;

/**
 * The port that a variable names, else the default.
 * @throws UserError when it is none, or another program listens there.
 */
export async function fixedPort(variable: string, usual: number): Promise<number> {
  const port = Number(process.env[variable] ?? usual);
  if (!isPort(port))
    throw new UserError(`${variable}=${process.env[variable]} is no port: give a number from 1 to 65535.`);
  if (await isFree(port, process.env.HOST)) return port;
  throw new UserError(
    `Port ${port} is in use: stop the program that listens there, or choose another port with ${variable} (for example ${variable}=${await freePort()}).`,
  );
}

const fixedPorts = async (service: ServiceName): Promise<ServicePorts> => ({
  management: await fixedPort(`${service.toUpperCase()}_MANAGEMENT_PORT`, managementPorts[service]),
  api: service === 'gateway' ? await fixedPort('PORT', gatewayPort) : undefined,
});

/** Node's own port for debuggers is the gateway's; the others follow in the order of `services`. */
const firstInspectPort = 9229;

const inspectedPorts = async (service: ServiceName): Promise<ServicePorts> => ({
  ...(await fixedPorts(service)),
  inspect: await fixedPort(`${service.toUpperCase()}_INSPECT_PORT`, firstInspectPort + services.indexOf(service)),
});

/** Ports where nobody listens, for a replica of a service. */
export const freePorts = async (service: ServiceName): Promise<ServicePorts> => ({
  management: await freePort(),
  api: service === 'gateway' ? await freePort() : undefined,
});

const chooser = { default: fixedPorts, inspected: inspectedPorts, free: freePorts };

/**
 * Ports for the first replica of each service: those of the documentation, movable by PORT (API), <SERVICE>_MANAGEMENT_PORT and
 * <SERVICE>_INSPECT_PORT (for example TASK_MANAGEMENT_PORT), or free ones.
 * @throws UserError when a fixed one is in use.
 */
export async function choosePorts(kind: PortChoice): Promise<Record<ServiceName, ServicePorts>> {
  const choose = chooser[kind];
  return {
    gateway: await choose('gateway'),
    auth: await choose('auth'),
    task: await choose('task'),
    chat: await choose('chat'),
    orchestrator: await choose('orchestrator'),
    usage: await choose('usage'),
    webhook: await choose('webhook'),
  };
}
