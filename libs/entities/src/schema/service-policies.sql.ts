import { databaseServices, type DatabaseService } from '@taai/contracts';
import { escapeLiteral } from 'pg';
import { grants, type ServiceRoles } from './grants.sql';

const TABLE = 'idempotency_keys';

const sharers = databaseServices.filter((service) => TABLE in grants[service]);
const policyOf = (service: DatabaseService) => `service_${service}`;

const createSql = (service: DatabaseService, role: string) => `
    if not exists (select from pg_policies where schemaname = 'public' and tablename = '${TABLE}'
      and policyname = '${policyOf(service)}')
    then
      create policy ${policyOf(service)} on public.${TABLE} as restrictive to ${role}
        using (split_part(method, '.', 1) = '${service}');
    end if;`;

/**
 * Idempotent SQL for one transaction of the migrator: of the answers that are kept for Idempotency-Keys each service reaches
 * those to its own methods alone, whose RPC names begin with its own. Policies are made and dropped only when the list or a
 * role has changed, because both lock the table.
 */
export const servicePoliciesSql = (roles: ServiceRoles) => `
  do $do$
  declare stale record;
  begin
    for stale in
      select polname from pg_policy
      where polrelid = 'public.${TABLE}'::regclass and polname like 'service\\_%' and (polname, polroles) not in (
        ${sharers.map((service) => `('${policyOf(service)}', array[${escapeLiteral(roles[service])}::regrole::oid])`).join(',\n        ')}
      )
    loop
      execute format('drop policy %I on public.${TABLE}', stale.polname);
    end loop;
    ${sharers.map((service) => createSql(service, roles[service])).join('')}
  end $do$;`;
