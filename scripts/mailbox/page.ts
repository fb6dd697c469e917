import type { ReceivedMail } from './mails.ts';

const escape = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const page = (title: string, body: string) => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escape(title)}</title>
<style>body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}td,th{text-align:left;padding:.25rem 1rem .25rem 0}
pre{white-space:pre-wrap}iframe{width:100%;height:30rem;border:1px solid #999}</style></head>
<body>${body}</body>
</html>`;

const row = ({ id, received_at, to, subject }: ReceivedMail) =>
  `<tr><td>${escape(received_at)}</td><td>${escape(to.join(', '))}</td><td><a href="/mails/${id}">${escape(subject)}</a></td></tr>`;

/** Newest first. */
export const listPage = (mails: readonly ReceivedMail[]): string =>
  page(
    'Mailbox',
    `<h1>Mailbox</h1>
<p>What the fleet has mailed. Nothing leaves this machine. <a href="/">Look again</a></p>
<table><tr><th>Received</th><th>To</th><th>Subject</th></tr>
${mails.toReversed().map(row).join('\n')}</table>`,
  );

/** The mail's HTML is shown without scripts; its links open in a tab of their own. */
export const mailPage = ({ subject, from, to, text, html }: ReceivedMail): string =>
  page(
    subject,
    `<p><a href="/">Mailbox</a></p>
<h1>${escape(subject)}</h1>
<p>From ${escape(from)} to ${escape(to.join(', '))}</p>
<h2>HTML</h2>
<iframe title="HTML" sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="${escape(`<base target="_blank">${html}`)}"></iframe>
<h2>Text</h2>
<pre>${escape(text)}</pre>`,
  );
