/** Spaces and punctuation beyond ASCII, which PostgreSQL's parser takes for letters in some locales. */
const WIDE = String.raw`\u00A0-\u00BF\u2000-\u206F\u3000-\u303F`;
const ASCII = String.raw`\s!-/:-@\[-\x60{-~`;

/**
 * SQL for a text whose every word begins with a mark of its tenant. So the index has lists of one tenant's messages: a search costs what it
 * finds there, whatever others have said. Tenants that share a mark are told apart by their ids.
 */
export const wordsOf = (tenant: string, text: string) =>
  `regexp_replace(regexp_replace(${text}, '[${WIDE}]', ' ', 'g'), '[^${ASCII}]+', 'x' || right(${tenant}::text, 8) || '\\&', 'g')`;

/** SQL for the search that the words of a tenant's user ask for. */
export const searchFor = (tenant: string, words: string) =>
  `websearch_to_tsquery('simple'::regconfig, ${wordsOf(tenant, words)})`;
