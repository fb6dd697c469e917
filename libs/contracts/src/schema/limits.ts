const KB = 1024;
const HOUR_SECONDS = 3600;
const DAY_SECONDS = 24 * HOUR_SECONDS;

/**
 * The limits that clients can meet. Each is the most that is allowed, unless its name begins with `min` or `default`. The last word is the
 * unit: `Characters` are UTF-16 units, `Bytes` of text are those of its UTF-8; a name without a unit counts things.
 */
export const limits = Object.freeze({
  // Requests
  urlBytes: 8 * KB,
  /** URL and headers together. */
  headerBytes: 16 * KB,
  headers: 100,
  /** Of JSON, unpacked, where the contract says nothing else. */
  bodyBytes: 1024 * KB,
  authBodyBytes: 64 * KB,
  /** In which a body must have come, with one more second for each `bodyBytesPerSecond` of it that has. */
  bodySeconds: 30,
  bodyBytesPerSecond: 32 * KB,
  /** What one call to a service carries: more than that nobody could pass on. */
  callBytes: 1_500_000,
  /** How many times its own size a body that is sent as gzip becomes. */
  gzipRatio: 20,
  jsonLevels: 32,
  /** Keys and items of one body, those within others included. Of a small body no more than `sparseBodyValues`, and one for each 12 bytes. */
  bodyValues: 3000,
  sparseBodyValues: 2000,
  completionBodyValues: 60_000,
  objectKeys: 1000,
  /** Of which an answer tells; of the others it says that there are more. */
  fieldErrors: 20,
  fieldPathCharacters: 100,
  fieldMessageCharacters: 1000,
  idempotencyKeyCharacters: 255,

  // Lists
  pageRows: 100,
  defaultPageRows: 20,
  cursorCharacters: 512,

  // Fields of many resources
  nameCharacters: 200,
  descriptionCharacters: 500,
  emailCharacters: 320,
  addressCharacters: 2000,
  modelCharacters: 200,

  // Identity
  minPasswordCharacters: 8,
  passwordCharacters: 1024,
  refreshTokenCharacters: 512,
  accessTokenSeconds: DAY_SECONDS,
  sessionSeconds: 30 * DAY_SECONDS,
  inviteSeconds: 7 * DAY_SECONDS,
  passwordResetSeconds: HOUR_SECONDS,
  /** From one network: many for an office, few for who would fill the database with tenants. */
  registrationsPerHour: 1000,
  /** Addresses that one tenant, or one network without logging in, may learn to be taken. */
  emailConflictsPerHour: 10,
  /** To one address, by whichever tenants. */
  invitesToAddressPerHour: 5,
  invitesOfTenantPerHour: 500,
  passwordMailsPerHour: 3,
  passwordRequestsPerHour: 20,
  rolesOfTenant: 50,
  /** Of one role or API key. */
  permissions: 100,
  apiKeysOfTenant: 100,
  apiKeyNameCharacters: 100,
  /** Of requests, tokens or whatever else a tenant is allowed a number of. */
  tenantLimit: 1_000_000_000,
  settingsBytes: 16 * KB,
  exportSeconds: 7 * DAY_SECONDS,
  auditFilterCharacters: 200,
  auditEntriesPerVerification: 50_000,

  // Tasks
  taskTitleCharacters: 500,
  taskDescriptionCharacters: 20_000,
  taskLabels: 50,
  taskLabelCharacters: 50,

  // Chat
  conversationTitleCharacters: 200,
  participants: 200,
  searchCharacters: 200,
  sharesOfConversation: 100,
  conversationMetadataBytes: 4096,
  waitingTurns: 20,
  feedbackCharacters: 2000,
  forkedMessages: 2000,
  messageCharacters: 100_000,
  /** Of one message. */
  contentParts: 50,

  // Sockets
  /** In one frame. */
  socketFrameBytes: 1024 * KB,
  /** Of one socket, on average; a burst of twice as many passes. */
  socketEventsPerSecond: 20,
  /** Events of one socket that have not been acknowledged. */
  socketEventsAtOnce: 16,
  /** That one socket is in. */
  socketConversations: 50,
  tokenCharacters: 8 * KB,
  // Files
  fileBytes: 20 * 1024 * KB,
  /** From the request's first byte to the form's last. */
  /** Of a tenant, under way; those that broke off within ten minutes are among them. */
  uploads: 100,
  fileUrlSeconds: 7 * DAY_SECONDS,
  defaultFileUrlSeconds: HOUR_SECONDS,
  formFields: 5,
  formFieldBytes: KB,
  filenameCharacters: 255,
  /** Of an image, as its header tells: unpacked it has up to 8 bytes for each. */
  imagePixels: 50_000_000,
  imageSidePixels: 16_384,
  /** Of a data URL: a file in base64, and what stands before it. */
  dataUrlCharacters: 4 * Math.ceil((20 * 1024 * KB) / 3) + KB,
  /** From the connection to the last byte of a file that a link leads to. */
  linkFetchMs: 20_000,
  /** All links of one message together. */
  linksFetchMs: 60_000,
  linkRedirects: 3,
  /** Of one message or run. */
  attachments: 10,
  /** Of one question about files: all attachments of what an agent is shown. */
  fileIds: 200,
  /** Of all files that a model is given at once: the newest ones. */
  modelFileBytes: 20 * 1024 * KB,

  // Providers
  minProviderTimeoutMs: 100,
  providerTimeoutMs: 600_000,
  providerRetries: 5,
  providerPriority: 1000,
  providerKeyCharacters: 4096,
  modelsOfProvider: 1000,

  // Agents and runs
  agentDescriptionCharacters: 2000,
  systemPromptCharacters: 100_000,
  /** All values of variables together, wherever they are filled in: a prompt may name one many times. */
  filledPromptCharacters: 500_000,
  variables: 100,
  variableCharacters: 10_000,
  stopSequences: 4,
  stopSequenceCharacters: 100,
  temperature: 2,
  outputTokens: 1_000_000,
  fallbacks: 10,
  toolsOfAgent: 64,
  /** Of a conversation that an agent is shown. */
  contextMessages: 200,
  defaultContextMessages: 20,
  /** That have fallen out of a context, and become one summary. */
  summarizedMessages: 20,
  summaryCharacters: 10_000,
  /** As many as any model reads. */
  contextTokens: 2_000_000,
  /** A million USD. */
  runCostMicroUsd: 1_000_000_000_000,
  /** Model calls of one run. */
  steps: 100,
  runInputCharacters: 500_000,
  toolCallIdCharacters: 200,

  // Tools
  toolDescriptionCharacters: 2000,
  toolHeaders: 50,
  toolSecretHeaders: 20,
  toolHeaderCharacters: 4096,
  toolQueryParameters: 50,
  minToolTimeoutMs: 100,
  toolTimeoutMs: 120_000,
  defaultToolTimeoutMs: 30_000,
  toolAnswerBytes: 1024 * KB,
  defaultToolAnswerBytes: 256 * KB,
  toolArgumentCharacters: 256 * KB,
  /** JSON that a model is given of one result. */
  toolResultBytes: 64 * KB,
  mcpToolNameCharacters: 200,
  /** Of one server. */
  mcpTools: 128,
  schemaBytes: 64 * KB,

  // Webhooks
  /** Each event may become so many deliveries. */
  webhooksOfTenant: 100,
  webhookEvents: 50,
  /** From the connection's first byte to the last of the receiver's answer. */
  deliveryTimeoutMs: 10_000,

  // Usage and prices
  /** Groups of one summary. */
  usageGroups: 1000,
  defaultUsageSeconds: 30 * DAY_SECONDS,
  /** With prices of the tenant's own. */
  pricedModels: 500,
  /** Micro-USD per million tokens: a million USD. */
  tokenPrice: 1_000_000_000_000,
});
