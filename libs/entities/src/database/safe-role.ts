import type { Client, Pool } from 'pg';

interface RoleFacts {
  role: string;
  is_superuser: boolean;
  bypasses_rls: boolean;
  creates_roles: boolean;
  replicates: boolean;
  owns_tables: boolean;
  /** Another role that the role may become, and that has rights on tables. */
  borrows: string | null;
}

const TABLES = `pg_class c where c.relnamespace = 'public'::regnamespace`;

/** The statement looks at the roles that the connected role may become, too. */
const ROLE_FACTS = `
  select current_user as role,
    bool_or(r.rolsuper) as is_superuser,
    bool_or(r.rolbypassrls) as bypasses_rls,
    bool_or(r.rolcreaterole) as creates_roles,
    bool_or(r.rolreplication) as replicates,
    bool_or(exists (select from ${TABLES} and c.relkind in ('r', 'p', 'v', 'm') and c.relowner = r.oid)) as owns_tables,
    min(r.rolname) filter (where r.rolname <> current_user and exists (
      select from ${TABLES} and c.relrowsecurity and (has_any_column_privilege(r.oid, c.oid, 'select, insert, update')
        or has_table_privilege(r.oid, c.oid, 'delete'))
    )) as borrows
  from pg_roles r where pg_has_role(current_user, r.oid, 'member')`;

/**
 * Throws one sentence when row level security would not hold for the connected role, or when the role may become another one
 * that reaches tables. `variable`: where its URL came from.
 */
export async function assertSafeRole(connection: Pool | Client, variable: string): Promise<void> {
  const {
    rows: [facts],
  } = await connection.query<RoleFacts>(ROLE_FACTS);
  const fault = facts && faultOf(facts);
  if (fault) {
    throw new Error(
      `The database role "${facts.role}" ${fault}, so that it reaches more than it should: ` +
        `set ${variable} to the service's own role, which the migrations create and grant to.`,
    );
  }
}

function faultOf(facts: RoleFacts): string | undefined {
  if (facts.is_superuser) return 'is a superuser';
  if (facts.bypasses_rls) return 'has BYPASSRLS';
  if (facts.creates_roles) return 'has CREATEROLE';
  if (facts.replicates) return 'has REPLICATION';
  if (facts.owns_tables) return 'owns tables';
  return facts.borrows === null ? undefined : `may become "${facts.borrows}", which has rights on tables`;
}
