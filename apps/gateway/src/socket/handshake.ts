import { limits, ProblemError } from '@taai/contracts';
import { runAs } from '@taai/tenant';
import { Injectable } from '@nestjs/common';
import { Concurrency } from '../admission/concurrency';
import { credentialOf, type Credential } from '../access/credentials';
import { Principals } from '../access/principals';
import { toProblem } from '../http/problem.filter';
import type { ChatSocket } from './chat-socket';
import type { Admitted } from './socket-parts';

/** Lets sockets in: each with a token of its own, and counted among what its tenant has open. */
@Injectable()
export class Handshake {
  private readonly admitted = new WeakMap<ChatSocket, Admitted>();

  constructor(
    private readonly principals: Principals,
    private readonly concurrency: Concurrency,
  ) {}

  /** Middleware of the namespace. The client is told why it is refused, in `data` of its `connect_error`. */
  readonly admit = (socket: ChatSocket, next: (error?: Error) => void): void => {
    this.enter(socket).then(
      () => next(),
      (error: unknown) => next(refusal(error)),
    );
  };

  /** Throws for a socket that was not let in. */
  of(socket: ChatSocket): Admitted {
    const admitted = this.admitted.get(socket);
    if (!admitted) throw new Error('The socket has passed no handshake.');
    return admitted;
  }

  private async enter(socket: ChatSocket): Promise<void> {
    const credential = readCredential(socket.handshake.auth);
    socket.handshake.auth = {};
    const caller = await this.principals.find(credential);
    const leave = await runAs(caller, () => this.concurrency.place('open_streams'));
    if (socket.conn.readyState === 'open') socket.conn.once('close', leave);
    else leave();
    // What a session of somebody else was in is nobody's business.
    if (socket.data.user_id !== caller.user_id) socket.data = {};
    if (caller.user_id !== undefined) socket.data.user_id = caller.user_id;
    this.admitted.set(socket, { caller, credential });
  }
}

/** Socket.IO adds to `auth` what it recovers a session by. */
function readCredential({ token }: Record<string, unknown>): Credential {
  if (typeof token !== 'string' || token.length > limits.tokenCharacters)
    throw new ProblemError('unauthenticated', 'Send an access token or an API key as `auth.token`.');
  const credential = credentialOf({ authorization: `Bearer ${token}` });
  // What was cut out of the header would keep the header in memory.
  return credential.kind === 'token' ? { kind: 'token', token } : credential;
}

function refusal(error: unknown): Error {
  const { code, message, retry_after } = toProblem(error);
  const data = { code, detail: message, ...(retry_after !== undefined && { retry_after }) };
  return Object.assign(new Error(code), { data });
}
