import { invalidField, limits, type CreateAgent, type Fallback } from '@taai/contracts';
import type { Tx } from '@taai/entities';
import type { AgentRepository } from './agent.repository';
import { isVariableName } from './system-prompt';
import { schemaFault } from '../tool/tool-schema';

type Fields = Partial<Pick<CreateAgent, 'tools' | 'fallbacks' | 'title_model' | 'output_schema' | 'variables'>>;

/** What no type can say of an agent's fields. Throws `validation_failed`. */
export async function assertAgent(tx: Tx, agents: AgentRepository, fields: Fields): Promise<void> {
  const { tools, fallbacks, title_model, output_schema, variables } = fields;
  if (output_schema) await assertOutputSchema(output_schema);
  if (variables) assertVariables(variables);
  if (tools) assertTools(tools, await agents.toolNames(tx, tools));
  if (title_model) await assertTitleModel(agents, tx, title_model);
  if (!fallbacks) return;
  const providers = fallbacks.map(({ provider_id }) => provider_id.toLowerCase());
  assertKnown('fallbacks', providers, await agents.providerIds(tx, providers));
}

async function assertTitleModel(agents: AgentRepository, tx: Tx, { provider_id }: Fallback): Promise<void> {
  if ((await agents.providerIds(tx, [provider_id])).length === 0)
    throw invalidField('title_model.provider_id', 'does not exist');
}

async function assertOutputSchema(schema: Record<string, unknown>): Promise<void> {
  const fault = await schemaFault(schema);
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

function assertTools(names: readonly string[], known: readonly string[]): void {
  assertKnown('tools', names, known);
  if (new Set(names).size < names.length) throw invalidField('tools', 'must not name a tool twice');
}

function assertKnown(field: string, wanted: readonly string[], known: readonly string[]): void {
  const index = wanted.findIndex((key) => !known.includes(key));
  if (index >= 0) throw invalidField(`${field}.${index}`, 'does not exist');
}
