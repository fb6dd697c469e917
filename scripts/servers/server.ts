import type { Exit, RunningProcess } from '../lib/processes.ts';

interface ServerFacts {
  /** What people call it. */
  name: string;
  url: string;
  logFile: string;
  /** Starts its process, always on the same port and data. */
  launch: () => Promise<RunningProcess>;
  /** Resolves when the process answers. Throws a UserError, and leaves nothing running, when it does not in time. */
  untilReady: (process: RunningProcess) => Promise<void>;
  /** Cleans up when it is stopped for good. */
  release?: (() => Promise<void>) | undefined;
}

/** A server of our own, which can be started again where it was. */
export class Server {
  private readonly facts: ServerFacts;
  private running: RunningProcess;

  private constructor(facts: ServerFacts, running: RunningProcess) {
    this.facts = facts;
    this.running = running;
  }

  /** Resolves when it answers. */
  static async start(facts: ServerFacts): Promise<Server> {
    const server = new Server(facts, await facts.launch());
    await server.untilReady();
    return server;
  }

  get name(): string {
    return this.facts.name;
  }

  get url(): string {
    return this.facts.url;
  }

  get logFile(): string {
    return this.facts.logFile;
  }

  get exited(): Promise<Exit> {
    return this.running.exited;
  }

  untilReady(): Promise<void> {
    return this.facts.untilReady(this.running);
  }

  lastWords(): string {
    return this.running.lastWords();
  }

  /** Ends it as a crash would. */
  kill(): void {
    this.running.kill('SIGKILL');
  }

  /** Starts it again after it has ended. It need not answer yet. */
  async restart(): Promise<Server> {
    this.running = await this.facts.launch();
    return this;
  }

  async stop(): Promise<void> {
    await this.running.stop();
    await this.facts.release?.();
  }
}
