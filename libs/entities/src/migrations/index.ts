import { Init1764000000000 } from './1764000000000-init';
import { Identity1764100000000 } from './1764100000000-identity';
import { AiEngine1764200000000 } from './1764200000000-ai-engine';
import { DeliveryTurns1764300000010 } from './1764300000010-delivery-turns';
import { RunTurns1764300000020 } from './1764300000020-run-turns';
import { CanonicalEmails1764300000030 } from './1764300000030-canonical-emails';
import { TenantLimits1764300000040 } from './1764300000040-tenant-limits';
import { SubscriptionChanges1764300000050 } from './1764300000050-subscription-changes';
import { Participants1764300000060 } from './1764300000060-participants';
import { MessageTree1764300000070 } from './1764300000070-message-tree';
import { ConversationShares1764300000075 } from './1764300000075-conversation-shares';
import { MessageSearch1764300000078 } from './1764300000078-message-search';
import { ConcurrentTurns1764300000079 } from './1764300000079-concurrent-turns';
import { Files1764300000080 } from './1764300000080-files';
import { AgentContext1764300000090 } from './1764300000090-agent-context';
import { MessageSummaries1764300000091 } from './1764300000091-message-summaries';
import { DeletedConversations1764300000095 } from './1764300000095-deleted-conversations';
import { AutomaticTitles1764300000096 } from './1764300000096-automatic-titles';
import { EnqueuedTurns1764300000100 } from './1764300000100-enqueued-turns';
import { FileTurns1764300000107 } from './1764300000107-file-turns';

/** The migrations in the order in which they run. */
export const migrations = [
  Init1764000000000,
  Identity1764100000000,
  AiEngine1764200000000,
  DeliveryTurns1764300000010,
  RunTurns1764300000020,
  CanonicalEmails1764300000030,
  TenantLimits1764300000040,
  SubscriptionChanges1764300000050,
  Participants1764300000060,
  MessageTree1764300000070,
  ConversationShares1764300000075,
  MessageSearch1764300000078,
  ConcurrentTurns1764300000079,
  Files1764300000080,
  AgentContext1764300000090,
  MessageSummaries1764300000091,
  DeletedConversations1764300000095,
  AutomaticTitles1764300000096,
  EnqueuedTurns1764300000100,
  FileTurns1764300000107,
];
