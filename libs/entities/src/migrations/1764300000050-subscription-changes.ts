import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Whoever changes what a tenant may use, the gateways hear of it, as of changed access: nobody has to remember to say so. The row's tenant is
 * set, which it is already but for operators who bypass the policies: the function's owner does not.
 */
const UP = `
  create function subscription_changed() returns trigger language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $$
  begin
    perform set_config('app.tenant_id', new.tenant_id::text, true);
    insert into public.access_changes (tenant_id, kind, id) values (new.tenant_id, 'tenant', new.tenant_id);
    return null;
  end $$;
  revoke execute on function subscription_changed() from public;
  create trigger subscription_changed after update on subscriptions for each row
    when (old.plan_id is distinct from new.plan_id or old.limits is distinct from new.limits or old.status is distinct from new.status)
    execute function subscription_changed();
`;

const DOWN = `
  drop trigger subscription_changed on subscriptions;
  drop function subscription_changed();
`;

export class SubscriptionChanges1764300000050 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}
