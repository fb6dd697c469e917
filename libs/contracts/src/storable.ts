import { limits } from './limits';
import { invalidField } from './problem';

/**
 * Refuses what JSON can say and PostgreSQL cannot store: NUL characters and half surrogate pairs, in values and in keys of
 * free-form objects, and nesting beyond 32 levels. Throws `validation_failed` with the path.
 */
export function assertStorable(value: unknown, path = '', depth = 0): void {
  if (typeof value === 'string') return assertText(value, path);
  if (typeof value !== 'object' || value === null) return;
  if (depth >= limits.jsonLevels) throw invalidField(path, `is nested deeper than ${limits.jsonLevels} levels`);
  for (const [key, child] of Object.entries(value)) {
    assertText(key, path);
    assertStorable(child, path ? `${path}.${key}` : key, depth + 1);
  }
}

function assertText(text: string, path: string): void {
  if (text.includes('\0') || !text.isWellFormed())
    throw invalidField(path, 'must be Unicode text without NUL characters');
}
