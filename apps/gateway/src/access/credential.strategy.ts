import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { Caller } from '@taai/tenant';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport-custom';
import { credentialOf } from './credential';
import { Principals } from './principals';

/** Who sent the request: access tokens and API keys come in by this one way. */
@Injectable()
export class CredentialStrategy extends PassportStrategy(Strategy, 'credential') {
  constructor(private readonly principals: Principals) {
    super();
  }

  async validate(request: FastifyRequest): Promise<Caller> {
    return this.principals.find(credentialOf(request.headers));
  }
}
