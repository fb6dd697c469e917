import type { ServiceName } from '@taai/contracts';

/** The management port of every service under `npm start`. */
export const managementPorts: Record<ServiceName, number> = {
  gateway: 3100,
  auth: 3001,
  task: 3002,
  chat: 3003,
  orchestrator: 3004,
  usage: 3005,
  webhook: 3006,
};

/** The port of the API under `npm start`. */
export const gatewayPort = 3000;

const isService = (name: string): name is ServiceName => name in managementPorts;

export const serviceNames: readonly ServiceName[] = Object.keys(managementPorts).filter(isService);
