import { readMails, type ReceivedMail } from '../../scripts/mailbox/mails';
import { eventually } from './eventually';

export interface TestMail extends Pick<ReceivedMail, 'subject' | 'text' | 'html'> {
  /** Of its link. */
  token: string;
}

const returned = new Set<string>();

/**
 * Waits for a mail to the address in the mailbox at `url` (`TestFleet.mailbox.url`): the oldest that this test file was not given
 * before, so that each call brings the next one.
 */
export async function mailTo(url: string, address: string): Promise<TestMail> {
  const { id, subject, text, html } = await eventually(async () => {
    const mails = await readMails(url);
    const next = mails.find(({ to, id }) => to.includes(address) && !returned.has(`${url} ${id}`));
    if (!next) throw new Error(`There is no further mail to ${address} among ${mails.length}.`);
    return next;
  });
  returned.add(`${url} ${id}`);
  const [, token] = /#token=([\w-]+)/.exec(text) ?? [];
  if (!token) throw new Error(`The mail has no link:\n${text}`);
  return { subject, text, html, token };
}
