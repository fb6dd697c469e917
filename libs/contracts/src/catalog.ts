import { auditContract } from './auth/audit.contract';
import { authContract } from './auth/auth.contract';
import { mailContract } from './auth/mail.contract';
import { conversationContract, messageContract } from './chat.contract';
import { boundMethods, isPublic, type BoundMethod, type Contract, type PublicMethod } from './contract';
import { agentContract, providerContract, runContract } from './orchestrator.contract';
import { taskContract } from './task.contract';
import { usageContract } from './usage.contract';
import { webhookContract } from './webhook.contract';

/** Every contract of the fleet. */
export const catalog: readonly Contract[] = [
  authContract,
  mailContract,
  auditContract,
  taskContract,
  providerContract,
  agentContract,
  runContract,
  conversationContract,
  messageContract,
  usageContract,
  webhookContract,
];

const hasRoute = (bound: BoundMethod): bound is BoundMethod<PublicMethod> => isPublic(bound.method);

/** Every method with a route at the gateway. */
export const publicMethods: readonly BoundMethod<PublicMethod>[] = catalog.flatMap(boundMethods).filter(hasRoute);
