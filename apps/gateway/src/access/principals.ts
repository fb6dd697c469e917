import { Inject, Injectable } from '@nestjs/common';
import {
  accessContract,
  noLimits,
  ProblemError,
  type ByApiKey,
  type BySession,
  type Principal,
  type TenantLimits,
} from '@taai/contracts';
import { RpcClient } from '@taai/platform';
import { runAs, type Caller } from '@taai/tenant';
import { LRUCache } from 'lru-cache';
import { NIL } from 'uuid';
import { AccessTokens, type Credential } from './credentials';
import type { GatewayConfig } from '../config';

/** Injects the `GatewayConfig`. */
export const GATEWAY_CONFIG = Symbol('gateway config');

/** The gateway, asking for itself. */
export const GATEWAY: Caller = { tenant_id: NIL, permissions: [], issuer: 'gateway' };

const MAX_PRINCIPALS = 20_000;
/** Changes are followed; this only bounds what a change that was missed can do. */
const FRESH_MS = 300_000;
/** How long a refusal is remembered, so that a credential that has ended is no question for each of its requests. */
const REFUSED_MS = 2000;
/** Apart from the principals, whom invented API keys must not push out. */
const MAX_REFUSALS = 5000;
/** Questions to auth under way: more would keep it from telling what changed. */
const MAX_QUESTIONS = 300;

type Answer = { caller: Caller } | { problem: ProblemError };

/** An answer that is followed until it ends. */
export interface Watch {
  /** Aborted, with the ProblemError as its reason, when the caller may do something else than before. */
  signal: AbortSignal;
  end(): void;
}

/** Something that a caller was let see, and may not see any longer once `check` throws a ProblemError. */
export interface Seen {
  /** What changes are told of by: a conversation's id. */
  id: string;
  check(): Promise<unknown>;
}

/** The same of somebody who is nobody's caller. */
export interface SeenByAnybody {
  /** What changes are told of by: the ids of a tenant and of its conversation. */
  ids: readonly string[];
  check(): Promise<unknown>;
}

/** What auth said of a caller besides. */
interface Found {
  credential: Credential;
  limits: TenantLimits;
  /** When the session or the API key ends, in milliseconds since 1970. */
  ends: number;
}

interface Watching {
  /** What changes are told of by. */
  ids: readonly string[];
  /** Throws a ProblemError when the caller may do something else than before. */
  check: () => Promise<void>;
  control: AbortController;
}

/**
 * Who credentials stand for, as auth says, remembered until a change is heard of. While changes cannot be followed for longer
 * than `accessGraceMs`, nobody is let in.
 */
@Injectable()
export class Principals {
  private readonly answers = new LRUCache<string, { caller: Caller }>({
    max: MAX_PRINCIPALS,
    // Else the cache sets a timer in every millisecond of use.
    ttlResolution: 1000,
    dispose: (answer, key) => this.unlink(answer, key),
  });
  private readonly refusals = new LRUCache<string, { problem: ProblemError }>({
    max: MAX_REFUSALS,
    ttl: REFUSED_MS,
  });
  private readonly asking = new Map<string, Promise<Answer>>();
  /** Keys of the answers that concern a session, API key, user or tenant. */
  private readonly concerned = new Map<string, Set<string>>();
  private readonly found = new WeakMap<Caller, Found>();
  private readonly watching = new Set<Watching>();
  private readonly access;
  private heardAt = performance.now();

  constructor(
    rpc: RpcClient,
    private readonly tokens: AccessTokens,
    @Inject(GATEWAY_CONFIG) private readonly config: Pick<GatewayConfig, 'accessGraceMs'>,
  ) {
    this.access = rpc.for(accessContract);
  }

  /** What `find` would answer, if nobody need be asked. Throws what `find` throws. */
  known(credential: Credential): Caller | undefined {
    if (this.silence > this.config.accessGraceMs) {
      throw new ProblemError('service_unavailable', 'Nobody can tell who is logged in.', { retry_after: 2 });
    }
    const key = credential.kind === 'token' ? this.tokens.known(credential.token)?.session_id : credential.key_hash;
    const answer = key === undefined ? undefined : (this.answers.get(key) ?? this.refusals.get(key));
    return answer && callerIn(answer);
  }

  /** Throws `unauthenticated`, `tenant_suspended`, and `service_unavailable` when nobody can tell. */
  async find(credential: Credential): Promise<Caller> {
    return this.known(credential) ?? callerIn(await this.answerTo(credential));
  }

  /**
   * Follows a caller that `find` named, and what they were let see, for work that outlives the request's own check: by the credential that
   * it lives by, where that is known, for a session may have several tokens.
   */
  watch(caller: Caller, seen?: Seen, credential = this.found.get(caller)?.credential): Watch {
    if (!credential) throw new Error('Only callers that were found by their credential can be watched.');
    const ids = [...idsOf(caller), ...(seen ? [seen.id] : [])];
    return this.follow(ids, () => this.assertSame(caller, credential, seen));
  }

  /** Follows what anybody was let see who has the key to it. */
  watchSeen(seen: SeenByAnybody): Watch {
    return this.follow(seen.ids, async () => void (await seen.check()));
  }

  /** What the tenant of a caller that `find` named may use. */
  limitsOf(caller: Caller): TenantLimits {
    return this.found.get(caller)?.limits ?? noLimits;
  }

  /** When a caller's credential ends by itself, in milliseconds since 1970, as far as is remembered: it must be looked at again then. */
  endOf(caller: Caller, credential: Credential): number {
    const ends = this.found.get(caller)?.ends ?? 0;
    return credential.kind === 'token' ? Math.min(ends, this.tokens.endOf(credential.token)) : ends;
  }

  /** Milliseconds since changes were last heard of. */
  get silence(): number {
    return performance.now() - this.heardAt;
  }

  /**
   * What is remembered of these sessions, keys, users and tenants is forgotten, or everything, and who is watched, or sees one of these
   * conversations, is looked at again. `askedAt`: when the changes were asked for, by `performance.now()`.
   */
  async changed(ids: ReadonlySet<string> | 'all', askedAt: number): Promise<void> {
    this.heardAt = askedAt;
    this.refusals.clear();
    if (ids !== 'all' && ids.size === 0) return;
    if (ids === 'all') this.answers.clear();
    else for (const id of ids) for (const key of [...(this.concerned.get(id) ?? [])]) this.answers.delete(key);
    const affected = [...this.watching].filter((watching) => ids === 'all' || watching.ids.some((id) => ids.has(id)));
    await Promise.all(affected.map((watching) => this.lookAgain(watching)));
  }

  private follow(ids: readonly string[], check: () => Promise<void>): Watch {
    const watching = { ids, check, control: new AbortController() };
    this.watching.add(watching);
    return { signal: watching.control.signal, end: () => void this.watching.delete(watching) };
  }

  private async assertSame(caller: Caller, credential: Credential, seen: Seen | undefined): Promise<void> {
    const now = await this.find(credential);
    if (!sameAccess(now, caller))
      throw new ProblemError('unauthenticated', 'What the caller may do has changed: ask again.');
    if (seen) await runAs(caller, () => seen.check());
  }

  private async lookAgain({ check, control }: Watching): Promise<void> {
    try {
      await check();
    } catch (error) {
      // Unless auth says so, nothing has ended: the same change is heard of again within seconds.
      if (error instanceof ProblemError && error.status < 500) control.abort(error);
    }
  }

  private async answerTo(credential: Credential): Promise<Answer> {
    const question =
      credential.kind === 'token' ? await this.tokens.verify(credential.token) : { key_hash: credential.key_hash };
    const key = 'session_id' in question ? question.session_id : question.key_hash;
    if (!this.asking.has(key) && this.asking.size >= MAX_QUESTIONS) {
      throw new ProblemError('overloaded', undefined, { retry_after: 1 });
    }
    // Whoever verified the token faster may have the answer by now.
    const known = this.answers.get(key) ?? this.refusals.get(key);
    if (known) return known;
    const asked = this.asking.get(key) ?? this.ask(key, question, credential);
    this.asking.set(key, asked);
    return asked.finally(() => this.asking.delete(key));
  }

  private async ask(key: string, question: BySession | ByApiKey, credential: Credential): Promise<Answer> {
    try {
      const principal = await runAs(GATEWAY, () =>
        'session_id' in question ? this.access.session(question) : this.access.apiKey(question),
      );
      return this.remember(key, principal, credential);
    } catch (error) {
      if (!(error instanceof ProblemError) || error.status >= 500) throw error;
      const refused = { problem: error };
      this.refusals.set(key, refused);
      return refused;
    }
  }

  private remember(key: string, principal: Principal, credential: Credential): Answer {
    const caller = callerOf(principal);
    const ends = principal.expires_at === null ? Infinity : new Date(principal.expires_at).getTime();
    this.found.set(caller, { credential, limits: principal.limits ?? noLimits, ends });
    const answer = { caller };
    this.answers.set(key, answer, { ttl: Math.max(1, Math.min(FRESH_MS, ends - Date.now())) });
    for (const id of idsOf(caller)) this.concerned.set(id, (this.concerned.get(id) ?? new Set()).add(key));
    return answer;
  }

  private unlink({ caller }: { caller: Caller }, key: string): void {
    for (const id of idsOf(caller)) {
      const keys = this.concerned.get(id);
      keys?.delete(key);
      if (keys?.size === 0) this.concerned.delete(id);
    }
  }
}

function callerIn(answer: Answer): Caller {
  if ('problem' in answer) throw answer.problem;
  return answer.caller;
}

/** Frozen and the same object each time: what is derived from it is derived once. */
function callerOf({ tenant_id, user_id, session_id, api_key_id, role, permissions }: Principal): Caller {
  return Object.freeze({
    tenant_id,
    user_id,
    ...(session_id && { session_id }),
    ...(api_key_id && { api_key_id }),
    role,
    permissions,
    issuer: 'gateway' as const,
  });
}

const idsOf = ({ tenant_id, user_id, session_id, api_key_id }: Caller): string[] =>
  [tenant_id, user_id, session_id, api_key_id].filter((id) => id !== undefined);

const sameAccess = (one: Caller, other: Caller) =>
  one.role === other.role && one.permissions.join() === other.permissions.join();
