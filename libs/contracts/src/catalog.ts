import { accessContract } from './auth/access.contract';
import { apiKeyContract } from './auth/api-key.contract';
import { auditContract } from './auth/audit.contract';
import { authContract } from './auth/auth.contract';
import { mailContract } from './auth/mail.contract';
import { passwordContract } from './auth/password.contract';
import { sessionContract } from './auth/session.contract';
import { roleContract } from './auth/role.contract';
import { userContract } from './auth/user.contract';
import { tenantContract } from './auth/tenant.contract';
import { conversationContract } from './chat/conversation.contract';
import { feedbackContract } from './chat/feedback.contract';
import { messageContract } from './chat/message.contract';
import { participantContract } from './chat/participant.contract';
import { chatSocketContract } from './chat/chat-socket.contract';
import { boundMethods, type BoundMethod, type Contract, type PublicMethod, type SocketMethod } from './contract';
import { conversationEventContract } from './chat/conversation-event.contract';
import { fileContract } from './chat/file.contract';
import { jobContract } from './job.contract';
import { agentContract } from './orchestrator/agent.contract';
import { completionContract } from './orchestrator/completion.contract';
import { linkContract } from './orchestrator/link.contract';
import { providerContract } from './orchestrator/provider.contract';
import { runContract } from './orchestrator/run.contract';
import { titleContract } from './orchestrator/title.contract';
import { summaryContract } from './orchestrator/summary.contract';
import { toolContract } from './orchestrator/tool.contract';
import { priceContract } from './price.contract';
import { credentialSecretContract, webhookSecretContract } from './secret.contract';
import { taskContract } from './task.contract';
import { tenantDataContracts } from './tenant-data.contract';
import { shareContract } from './chat/share.contract';
import { limitUseContract } from './limit-use.contract';
import { usageContract } from './usage.contract';
import { webhookContract } from './webhook.contract';

/** Every contract of the fleet. */
export const catalog: readonly Contract[] = [
  authContract,
  accessContract,
  sessionContract,
  passwordContract,
  mailContract,
  userContract,
  roleContract,
  apiKeyContract,
  tenantContract,
  auditContract,
  taskContract,
  jobContract,
  providerContract,
  agentContract,
  toolContract,
  runContract,
  completionContract,
  titleContract,
  summaryContract,
  linkContract,
  conversationContract,
  participantContract,
  messageContract,
  feedbackContract,
  shareContract,
  conversationEventContract,
  chatSocketContract,
  fileContract,
  usageContract,
  limitUseContract,
  priceContract,
  webhookContract,
  credentialSecretContract,
  webhookSecretContract,
  ...Object.values(tenantDataContracts),
];

const hasRoute = (bound: BoundMethod): bound is BoundMethod<PublicMethod> => 'http' in bound.method;

/** Every method with a route at the gateway. */
export const publicMethods: readonly BoundMethod<PublicMethod>[] = catalog.flatMap(boundMethods).filter(hasRoute);

const hasSocket = (bound: BoundMethod): bound is BoundMethod<SocketMethod> => 'socket' in bound.method;

/** Every method that clients call by an event of a socket. */
export const socketMethods: readonly BoundMethod<SocketMethod>[] = catalog.flatMap(boundMethods).filter(hasSocket);
