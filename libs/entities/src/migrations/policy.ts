/**
 * SQL that makes a table show each tenant its own rows alone, to its owner too. `column` holds the tenant's id. After a
 * transaction the setting is empty, not unset; the sub-select is evaluated once per query.
 *
 * To a migration every such table seems empty: one that changes rows, or adds a foreign key to filled tables, lifts FORCE on
 * the tables concerned and sets it again, within its transaction.
 */
export function isolateTenants(table: string, column = 'tenant_id'): string {
  const own = `${column} = (select nullif(current_setting('app.tenant_id', true), '')::uuid)`;
  return `
    alter table ${table} enable row level security;
    alter table ${table} force row level security;
    create policy tenant_isolation on ${table} using (${own}) with check (${own});`;
}
