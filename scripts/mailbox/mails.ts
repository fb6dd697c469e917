/** A mail as it arrived. */
export interface ReceivedMail {
  id: number;
  received_at: string;
  /** Addresses of the envelope, which is what counts. */
  from: string;
  to: string[];
  subject: string;
  text: string;
  html: string;
  /** Everything, headers too. */
  source: string;
}

const MAX_MAILS = 500;

/** The newest mails, oldest first. */
export class MailLog {
  readonly mails: ReceivedMail[] = [];
  private count = 0;

  add(mail: Omit<ReceivedMail, 'id' | 'received_at'>): void {
    this.mails.push({ id: ++this.count, received_at: new Date().toISOString(), ...mail });
    if (this.mails.length > MAX_MAILS) this.mails.shift();
  }
}

/** What the mailbox at `url` holds, oldest first. */
export async function readMails(url: string): Promise<ReceivedMail[]> {
  const response = await fetch(`${url}/mails.json`, { signal: AbortSignal.timeout(10_000) });
  return ((await response.json()) as { data: ReceivedMail[] }).data;
}
