/** Every permission, as routes ask for it: what it lets its holder do. */
export const permissions = {
  'agents:create': 'Create agents.',
  'agents:read': 'Read agents, and list the models and agents that can be asked.',
  'agents:update': 'Change agents.',
  'agents:delete': 'Delete agents.',
  'api_keys:create': 'Create API keys, with no more scopes than their creator has permissions.',
  'api_keys:read': "List the tenant's API keys.",
  'api_keys:delete': 'Revoke API keys.',
  'audit_logs:read': 'Read the audit log, and check that nobody has changed it.',
  'conversations:create': 'Open conversations.',
  'conversations:read': "Read one's own conversations, and those that others share with one.",
  'conversations:read_any': "Read everybody's conversations; each use is audited.",
  'conversations:update': 'Rename and share conversations, and send messages, where one may.',
  'conversations:manage_any': "Write into, share and change everybody's conversations; each use is audited.",
  'conversations:delete': "Delete one's own conversations with their messages.",
  'files:create': 'Upload files.',
  'files:read': "Read one's own files, and those attached to messages of conversations that one sees.",
  'files:read_any': "Read everybody's files; each use is audited.",
  'files:delete': "Delete one's own files.",
  'files:manage_any': "Delete everybody's files; each use is audited.",
  'jobs:read': 'Follow long jobs, such as exports.',
  'prices:read': 'Read what models cost.',
  'prices:update': "Set the tenant's own prices of models.",
  'providers:create': 'Add AI providers.',
  'providers:read': 'Read AI providers, their models and their health; never their credentials.',
  'providers:update': 'Change AI providers, replace their credentials, and test them.',
  'providers:delete': 'Remove AI providers with their credentials.',
  'roles:create': 'Create roles, with no more permissions than their creator has.',
  'roles:read': 'List roles.',
  'roles:update': 'Change roles.',
  'roles:delete': 'Delete roles that no user has.',
  'runs:create': 'Run agents, and ask models.',
  'runs:read': "Read one's own runs, and those of conversations that one sees: their steps and their events.",
  'runs:read_any': "Read everybody's runs; each use is audited.",
  'runs:update': 'Cancel runs, and approve or reject their tool calls, where one may.',
  'runs:manage_any': "Cancel everybody's runs; each use is audited.",
  'runs:approve_any': "Approve or reject tool calls of everybody's runs; each use is audited.",
  'tasks:create': 'Create tasks.',
  'tasks:read': 'Read tasks.',
  'tasks:update': 'Change tasks.',
  'tasks:delete': 'Delete tasks.',
  'tenant:read': 'Read the tenant and its settings.',
  'tenant:update': "Change the tenant's name and settings.",
  'tenant:delete': 'Delete the tenant with everything in it.',
  'tenant:export': "Export all the tenant's data.",
  'tools:create': 'Add tools that agents may call.',
  'tools:read': 'Read tools and their executions.',
  'tools:update': 'Change tools.',
  'tools:delete': 'Delete tools that no agent uses.',
  'usage:read': 'Read tokens and cost, summed and call by call.',
  'users:create': 'Invite users.',
  'users:read': 'Read users.',
  'users:update': 'Change, activate and deactivate users.',
  'users:delete': 'Remove users.',
  'webhooks:create': 'Register endpoints for events.',
  'webhooks:read': 'Read endpoints, their deliveries, and the types of events.',
  'webhooks:update': 'Change endpoints.',
  'webhooks:delete': 'Remove endpoints.',
} as const satisfies Record<`${string}:${string}`, string>;

/** A permission, and the ones with `*` that cover it. */
function withWildcards(permission: string): string[] {
  const [resource, action] = permission.split(':');
  return [permission, `${resource}:*`, `*:${action}`, '*:*'];
}

const known: ReadonlySet<string> = new Set(Object.keys(permissions).flatMap(withWildcards));

/** Whether some route asks for the permission, or for one that it covers: nothing else can be granted. */
export const isKnownPermission = (permission: string): boolean => known.has(permission);
