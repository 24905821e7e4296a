"""What a database looks like: its tables, columns, constraints, indexes, triggers, functions and views, in words."""

import psycopg

OURS = "relnamespace = 'public'::regnamespace"
LOOKS = (
    f"SELECT 'relation', relkind::text, relname, '' FROM pg_class WHERE {OURS} AND relkind IN ('r','p','v','m','S')",
    f"""
    SELECT 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod) || a.attnotnull::text
        || a.attidentity::text || a.attgenerated::text || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
        || row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.{OURS} AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
    """,
    """
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) || convalidated::text
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    """,
    "SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    """
    SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) || tgenabled::text FROM pg_trigger
    WHERE NOT tgisinternal
    """,
    """
    SELECT 'function', proname, pg_get_function_identity_arguments(oid), md5(coalesce(prosrc, '')) || provolatile::text
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    """,
    "SELECT 'view', viewname, '', definition FROM pg_views WHERE schemaname = 'public'",
    """
    SELECT 'type', t.typname, e.enumlabel, e.enumsortorder::text FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
    WHERE t.typnamespace = 'public'::regnamespace
    """,
)


def looks(connection: psycopg.Connection) -> set[tuple[str, ...]]:
    """Everything, line by line; two databases that look alike have the same lines."""
    return {tuple(map(str, row)) for query in LOOKS for row in connection.execute(query).fetchall()}
