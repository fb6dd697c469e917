import type { Client, Pool } from 'pg';

interface RoleFacts {
  role: string;
  is_superuser: boolean;
  bypasses_rls: boolean;
  owns_tables: boolean;
}

/** Looks at the roles that the connected one may become, too. */
const ROLE_FACTS = `
  select current_user as role,
    bool_or(r.rolsuper) as is_superuser,
    bool_or(r.rolbypassrls) as bypasses_rls,
    bool_or(exists (
      select from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relowner = r.oid and c.relkind in ('r', 'p', 'v', 'm') and n.nspname = 'public'
    )) as owns_tables
  from pg_roles r where pg_has_role(current_user, r.oid, 'member')`;

/** Throws one sentence when row level security would not hold for the connected role. */
export async function assertSafeRole(connection: Pool | Client): Promise<void> {
  const {
    rows: [facts],
  } = await connection.query<RoleFacts>(ROLE_FACTS);
  const fault = facts && faultOf(facts);
  if (fault) {
    throw new Error(
      `The database role "${facts.role}" ${fault}, so that row level security would not hold for it: ` +
        'set DATABASE_URL to the runtime role that the migrations grant to.',
    );
  }
}

function faultOf(facts: RoleFacts): string | undefined {
  if (facts.is_superuser) return 'is a superuser';
  if (facts.bypasses_rls) return 'has BYPASSRLS';
  if (facts.owns_tables) return 'owns tables';
  return undefined;
}
