import { pingDatabase } from '@taai/entities';
import { bootstrapService } from '@taai/platform';
import { AppModule } from './app.module';

await bootstrapService('task', AppModule, { readiness: { database: pingDatabase } });
