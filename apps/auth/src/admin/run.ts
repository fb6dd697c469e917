import type { DataSource } from 'typeorm';
import { AdminError, type Command } from './command';
import { tenantCommands } from './tenant.commands';

/** Every command, by noun and verb. A new one is an entry here, or of a file like `tenant.commands.ts`. */
const commands: Record<string, Command> = { ...tenantCommands };

/** What a command ends with: its exit code (0 done, 1 refused or failed, 2 not understood), and what it prints. */
export interface Outcome {
  code: 0 | 1 | 2;
  text: string;
}

/** Runs the command that `args` name, on a connection that is opened for it and closed again. */
export async function runAdmin(args: readonly string[], open: () => Promise<DataSource>): Promise<Outcome> {
  if (args.length === 0 || args.some((arg) => arg === '--help' || arg === '-h')) {
    return { code: args.length === 0 ? 2 : 0, text: usage() };
  }
  const [noun, verb, ...rest] = args;
  const name = `${noun} ${verb ?? ''}`;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) return { code: 2, text: `There is no such command.\n\n${usage()}` };
  if (rest.length !== command.takes.length) return { code: 2, text: `Usage: ${synopsis(name, command)}` };
  return execute(command, rest, open);
}

async function execute(command: Command, args: readonly string[], open: () => Promise<DataSource>): Promise<Outcome> {
  let db: DataSource | undefined;
  try {
    db = await open();
    return { code: 0, text: await command.run(db, args) };
  } catch (error) {
    // Without a connection the message is a sentence for operators, too: see `openDataSource`.
    if (error instanceof AdminError || (!db && error instanceof Error)) return { code: 1, text: error.message };
    throw error;
  } finally {
    await db?.destroy();
  }
}

const synopsis = (name: string, { takes }: Command) => [name, ...takes.map((argument) => `<${argument}>`)].join(' ');

function usage(): string {
  const lines = Object.entries(commands).map(
    ([name, command]) => `  ${synopsis(name, command).padEnd(24)}  ${command.summary}`,
  );
  return `Commands for the operator:\n${lines.join('\n')}`;
}
