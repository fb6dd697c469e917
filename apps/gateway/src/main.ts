import 'reflect-metadata';
import { bootstrapService } from '@taai/platform';
import { AppModule } from './app.module';
import { startHttp } from './http/http';

await bootstrapService('gateway', AppModule, { start: startHttp });
