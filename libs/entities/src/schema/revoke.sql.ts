/** A grantee's name in SQL; 0 is everybody. */
const GRANTEE = `case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end`;

const OWNER = '(select oid from pg_roles where rolname = current_user)';

/** Runs `action`, a format with two places, for each object and role of the query. */
const forEach = (action: string, query: string) => `
  do $do$
  declare stale record;
  begin
    for stale in ${query} loop
      execute format('${action}', stale.object, stale.grantee);
    end loop;
  end $do$;`;

/** Takes every right on functions of the connected role back, from whoever has it, everybody included. */
export const revokeFunctionsSql = forEach(
  'revoke all on function %s from %s cascade',
  `select distinct p.oid::regprocedure::text as object, ${GRANTEE} as grantee
   from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
   where p.pronamespace = 'public'::regnamespace and p.proowner = ${OWNER} and a.grantee <> p.proowner`,
);

/**
 * SQL that takes back every right on the owner's tables, columns and sequences: what is listed is granted anew in the same
 * transaction, so that nothing is left of an earlier release or of somebody's experiment, to whatever role.
 */
export const revokeSql = `
  ${forEach(
    'revoke all on %s from %s cascade',
    `select distinct case c.relkind when 'S' then 'sequence ' else '' end || c.oid::regclass as object, ${GRANTEE} as grantee
     from pg_class c,
       lateral (select c.relacl union all select attacl from pg_attribute where attrelid = c.oid) as rights (acl),
       aclexplode(rights.acl) a
     where c.relnamespace = 'public'::regnamespace and c.relowner = ${OWNER} and a.grantee <> c.relowner`,
  )}
  ${forEach(
    'revoke all on schema %s from %s cascade',
    `select n.nspname as object, ${GRANTEE} as grantee
     from pg_namespace n, aclexplode(n.nspacl) a
     where n.nspname = 'public' and a.grantee not in (0, n.nspowner)`,
  )}
  revoke create on schema public from public;
  ${revokeFunctionsSql}`;
