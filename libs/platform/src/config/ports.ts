import type { ServiceName } from '@taai/contracts';

/** Where a service has its health and metrics, unless MANAGEMENT_PORT says otherwise. */
export const managementPorts: Record<ServiceName, number> = {
  gateway: 3100,
  auth: 3001,
  task: 3002,
  chat: 3003,
  orchestrator: 3004,
  usage: 3005,
  webhook: 3006,
};

/** Where the gateway has the API, unless PORT says otherwise. */
export const gatewayPort = 3000;
