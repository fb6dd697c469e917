import { pingDatabase } from '@taai/entities';
import { bootstrapService } from '@taai/platform';
import { AppModule } from './app.module';

await bootstrapService('orchestrator', AppModule, {
  readiness: { database: pingDatabase },
  // Its long calls are streams, which wait for a provider most of the time.
  longSlots: 512,
});
