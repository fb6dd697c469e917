import { invalidField, limits, type CreateAgent } from '@taai/contracts';
import type { Tx } from '@taai/entities';
import { isVariableName } from './system-prompt';
import { schemaFault } from '../tool/tool-schema';

type Fields = Partial<Pick<CreateAgent, 'tools' | 'fallbacks' | 'output_schema' | 'variables'>>;

/** What no type can say of an agent's fields. Throws `validation_failed`. */
export async function assertAgent(tx: Tx, { tools, fallbacks, output_schema, variables }: Fields): Promise<void> {
  if (output_schema) assertOutputSchema(output_schema);
  if (variables) assertVariables(variables);
  if (tools) await assertKnown(tx, 'select name as key from tools where name = any ($1) for key share', 'tools', tools);
  const providers = fallbacks?.map(({ provider_id }) => provider_id);
  if (providers)
    await assertKnown(tx, 'select id as key from providers where id = any ($1::uuid[])', 'fallbacks', providers);
}

function assertOutputSchema(schema: Record<string, unknown>): void {
  const fault = schemaFault(schema);
  if (fault !== undefined) throw invalidField('output_schema', fault);
}

function assertVariables(variables: Record<string, unknown>): void {
  if (Object.keys(variables).length > limits.variables)
    throw invalidField('variables', `must not have more than ${limits.variables} names`);
  for (const [name, value] of Object.entries(variables)) {
    if (!isVariableName(name)) throw invalidField(`variables.${name}`, 'must be named with letters, digits and _');
    if (value !== null && typeof value !== 'string')
      throw invalidField(`variables.${name}`, 'must be a string or null');
  }
}

async function assertKnown(tx: Tx, sql: string, field: string, wanted: readonly string[]): Promise<void> {
  const known = new Set((await tx.query<{ key: string }[]>(sql, [wanted])).map(({ key }) => key));
  const index = wanted.findIndex((key) => !known.has(key.toLowerCase()) && !known.has(key));
  if (index >= 0) throw invalidField(`${field}.${index}`, 'does not exist');
  if (field === 'tools' && new Set(wanted).size < wanted.length)
    throw invalidField(field, 'must not name a tool twice');
}
