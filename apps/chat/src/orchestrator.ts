import type { FactoryProvider } from '@nestjs/common';
import { agentContract, runContract, summaryContract, titleContract } from '@taai/contracts';
import { RpcClient, type Client } from '@taai/platform';

/** Injects the `Agents` client. */
export const AGENTS = Symbol('agents');
/** Injects the `Runs` client. */
export const RUNS = Symbol('runs');

/** Injects the `Titles` client. */
export const TITLES = Symbol('titles');

/** Injects the `Summaries` client. */
export const SUMMARIES = Symbol('summaries');

/** What chat asks the orchestrator for. */
export type Agents = Pick<Client<typeof agentContract>, 'get'>;
export type Runs = Pick<Client<typeof runContract>, 'startFor' | 'outcome' | 'shown' | 'cancelFor'>;
export type Titles = Pick<Client<typeof titleContract>, 'suggest'>;
export type Summaries = Client<typeof summaryContract>;

export const orchestratorClients: FactoryProvider[] = [
  { provide: AGENTS, inject: [RpcClient], useFactory: (rpc: RpcClient): Agents => rpc.for(agentContract) },
  { provide: RUNS, inject: [RpcClient], useFactory: (rpc: RpcClient): Runs => rpc.for(runContract) },
  { provide: TITLES, inject: [RpcClient], useFactory: (rpc: RpcClient): Titles => rpc.for(titleContract) },
  { provide: SUMMARIES, inject: [RpcClient], useFactory: (rpc: RpcClient): Summaries => rpc.for(summaryContract) },
];
