import { sessionContract, type ById, type PageQuery, type Refresh } from '@taai/contracts';
import { Handles } from '@taai/platform';
import { SessionService } from './session.service';

@Handles(sessionContract)
export class SessionHandler {
  constructor(private readonly sessions: SessionService) {}

  refresh(input: Refresh) {
    return this.sessions.refresh(input);
  }

  logout(input: Refresh) {
    return this.sessions.logout(input);
  }

  list(input: PageQuery) {
    return this.sessions.list(input);
  }

  revoke(input: ById) {
    return this.sessions.revoke(input);
  }
}
