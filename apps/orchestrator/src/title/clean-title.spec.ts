import { limits } from '@taai/contracts';
import { cleanTitle } from './clean-title';

it.each([
  ['Invoices of January', 'Invoices of January'],
  ['"Invoices of January."', 'Invoices of January'],
  ['**Title:** “Invoices”\n\nIt is about invoices.', 'Invoices'],
  ['# Invoices\r\nand more', 'Invoices'],
  ['\n\n  Invoices\tof   January ', 'Invoices of January'],
  ['<think>They ask for invoices.\n</think>\nInvoices', 'Invoices'],
  ['Don’t forget: the invoices', 'Don’t forget: the invoices'],
  ['Rechnungen für März?', 'Rechnungen für März?'],
  ['In\u0000voi\u202eces', 'In voi ces'],
  ['<think>They ask for', null],
  ['""', null],
  ['', null],
])('of %j is %j', (answer, title) => {
  expect(cleanTitle(answer)).toBe(title);
});

it('is no longer than titles may be, whatever its characters', () => {
  expect(cleanTitle('x'.repeat(10_000))).toHaveLength(limits.conversationTitleCharacters);
  const faces = cleanTitle('😀'.repeat(10_000)) ?? '';
  expect([faces.isWellFormed(), [...faces].length]).toEqual([true, limits.conversationTitleCharacters]);
});
