import { accessContract } from './auth/access.contract';
import { authContract } from './auth/auth.contract';
import { mailContract } from './auth/mail.contract';
import { conversationContract, messageContract } from './chat.contract';
import { boundMethods, isPublic, type BoundMethod, type Contract, type PublicMethod } from './contract';
import { agentContract, providerContract, runContract } from './orchestrator.contract';
import { credentialSecretContract, webhookSecretContract } from './secret.contract';
import { taskContract } from './task.contract';
import { usageContract } from './usage.contract';
import { webhookContract } from './webhook.contract';

/** Every contract of the fleet. */
export const catalog: readonly Contract[] = [
  authContract,
  accessContract,
  mailContract,
  taskContract,
  providerContract,
  agentContract,
  runContract,
  conversationContract,
  messageContract,
  usageContract,
  webhookContract,
  credentialSecretContract,
  webhookSecretContract,
];

const hasRoute = (bound: BoundMethod): bound is BoundMethod<PublicMethod> => isPublic(bound.method);

/** Every method with a route at the gateway. */
export const publicMethods: readonly BoundMethod<PublicMethod>[] = catalog.flatMap(boundMethods).filter(hasRoute);
