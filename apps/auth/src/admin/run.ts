import { AdminError, type AdminTools, type Command } from './command';
import { limitCommands } from './limit.commands';
import { secretCommands } from './secret.commands';
import { tenantCommands } from './tenant.commands';

/** Every command, by noun and verb. A new one is an entry here, or of a file like `tenant.commands.ts`. */
const commands: Record<string, Command> = { ...tenantCommands, ...limitCommands, ...secretCommands };

/** Runs the command that `args` name; resolves to its exit code: 0 done, 1 refused or failed, 2 not understood. */
export async function runAdmin(args: readonly string[], tools: AdminTools): Promise<number> {
  if (args.length === 0 || args.some((arg) => arg === '--help' || arg === '-h')) {
    (args.length === 0 ? tools.complain : tools.print)(usage());
    return args.length === 0 ? 2 : 0;
  }
  const [noun, verb, ...rest] = args;
  const name = `${noun} ${verb ?? ''}`;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command && rest.length === command.takes.length) return execute(command, rest, tools);
  tools.complain(command ? `Usage: ${synopsis(name, command)}` : `There is no such command.\n\n${usage()}`);
  return 2;
}

async function execute(command: Command, args: readonly string[], tools: AdminTools): Promise<number> {
  try {
    return await command.run(tools, args);
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
    tools.complain(error.message);
    return 1;
  }
}

const synopsis = (name: string, { takes }: Command) => [name, ...takes.map((argument) => `<${argument}>`)].join(' ');

function usage(): string {
  const lines = Object.entries(commands).map(
    ([name, command]) => `  ${synopsis(name, command).padEnd(24)}  ${command.summary}`,
  );
  return `Commands for the operator:\n${lines.join('\n')}`;
}
