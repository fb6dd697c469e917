import { invalidField, limits } from '@taai/contracts';

const PLACEHOLDER = /\{\{\s*([A-Za-z_][A-Za-z0-9_]{0,63})\s*\}\}/g;

/** Values that every system prompt can use without declaring them. */
export interface Surroundings {
  now: Date;
  user_id: string | null;
}

/**
 * The system prompt with its variables filled in. What is neither declared nor known stays as it is: a prompt may speak of braces.
 *
 * @param declared the agent's variables; null: a run must bring a value
 * @throws ProblemError `validation_failed`
 */
export function fillPrompt(
  prompt: string,
  declared: Readonly<Record<string, string | null>>,
  given: Readonly<Record<string, unknown>>,
  { now, user_id }: Surroundings,
): string {
  const values = new Map<string, string>([
    ['current_date', now.toISOString().slice(0, 10)],
    ['current_time', now.toISOString()],
    ['user_id', user_id ?? ''],
  ]);
  for (const [name, fallback] of Object.entries(declared)) values.set(name, valueOf(name, given[name], fallback));
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(declared, name));
  if (unknown !== undefined) throw invalidField(`variables.${unknown}`, 'is no variable of the agent');
  let filled = 0;
  return prompt.replaceAll(PLACEHOLDER, (placeholder, name: string) => {
    const value = values.get(name) ?? placeholder;
    filled += value.length;
    if (filled > limits.filledPromptCharacters)
      throw invalidField('variables', `make more than ${limits.filledPromptCharacters} characters of the prompt`);
    return value;
  });
}

function valueOf(name: string, given: unknown, fallback: string | null): string {
  const value = given === undefined ? fallback : given;
  if (value === null) throw invalidField(`variables.${name}`, 'is needed: the agent has no value of its own for it');
  if (typeof value !== 'string' || value.length > limits.variableCharacters)
    throw invalidField(`variables.${name}`, `must be a string of at most ${limits.variableCharacters} characters`);
  return value;
}

/** Whether the name can stand in a placeholder. */
export const isVariableName = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name);
