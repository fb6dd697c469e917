import { Controller, Get, Inject, Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import type { ProcessConfig } from '../config/config';
import { NestLogger } from './logger';

/** Resolves when the dependency answers. */
export type ReadinessCheck = (app: INestApplicationContext) => Promise<unknown>;
export type ReadinessChecks = Record<string, () => Promise<unknown>>;

const CHECKS = Symbol('readiness checks');
const CHECK_TIMEOUT_MS = 2000;

const withinTimeout = (work: Promise<unknown>) =>
  Promise.race([
    work,
    new Promise((_, reject) => setTimeout(() => reject(new Error('no answer')), CHECK_TIMEOUT_MS).unref()),
  ]);

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    @Inject(CHECKS) private readonly checks: ReadinessChecks,
  ) {}

  /** Answers while the process runs. */
  @Get(['', 'live'])
  live() {
    return { status: 'ok' };
  }

  /** Answers every dependency's state by name; 503 when one is down. */
  @Get('ready')
  ready() {
    return this.health.check(
      Object.entries(this.checks).map(([name, check]) => async () => {
        const indicator = this.indicators.check(name);
        try {
          await withinTimeout(check());
          return indicator.up();
        } catch (error) {
          return indicator.down({ reason: error instanceof Error ? error.message : 'unknown' });
        }
      }),
    );
  }
}

/** Serves `/health/live`, which is `/health` too, and `/health/ready`. */
@Module({})
export class HealthModule {
  static for(checks: ReadinessChecks): DynamicModule {
    return {
      module: HealthModule,
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [HealthController],
      providers: [{ provide: CHECKS, useValue: checks }],
    };
  }
}

/** Serves health and metrics of a process on a port that no client of the product reaches. */
export async function startManagement(config: ProcessConfig, checks: ReadinessChecks): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    { module: class ManagementModule {}, imports: [HealthModule.for(checks), PrometheusModule.register()] },
    new FastifyAdapter(),
    { logger: new NestLogger(), abortOnError: false },
  );
  await app.listen(config.managementPort, config.host);
  return app;
}
