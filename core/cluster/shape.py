"""Is the database in shape: indexes nobody uses, indexes that are not there, bloat, slowness."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from django.db import connections

REPORTED_MAX: Final = 50


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """One question to the statistics; each row is a line of the report."""

    title: str
    statement: str


SECTIONS: Final = (
    Section(
        "unused indexes",
        """SELECT format('%I on %I: %s, never used since %s', s.indexrelname, s.relname,
                  pg_size_pretty(pg_relation_size(s.indexrelid)),
                  coalesce(d.stats_reset::date::text, 'the server was made'))
           FROM pg_stat_user_indexes s JOIN pg_index i USING (indexrelid)
           JOIN pg_stat_database d ON d.datname = current_database()
           WHERE s.idx_scan = 0 AND NOT i.indisunique
           ORDER BY pg_relation_size(s.indexrelid) DESC, 1""",
    ),
    Section(
        "duplicate indexes",
        """SELECT format('%s are the same on %s', string_agg(indexrelid::regclass::text, ', '
                  ORDER BY indexrelid::regclass::text), indrelid::regclass)
           FROM pg_index JOIN pg_class c ON c.oid = indrelid
           JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = 'public'
           GROUP BY indrelid, indkey::text, indclass::text, indoption::text,
               pg_get_expr(indexprs, indrelid), pg_get_expr(indpred, indrelid)
           HAVING count(*) > 1 ORDER BY 1""",
    ),
    Section(
        "missing indexes",
        """SELECT format('%s of %s: a deletion in %s reads the whole table', c.conname,
                  c.conrelid::regclass, c.confrelid::regclass)
           FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
           WHERE c.contype = 'f' AND t.relispartition = false
             AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.conrelid
               AND i.indpred IS NULL AND i.indkey[0] = ANY (c.conkey))
             AND t.reltuples > 10000
           UNION ALL
           SELECT format('%I: read whole %s times, %s rows each', relname, seq_scan,
                  seq_tup_read / greatest(seq_scan, 1))
           FROM pg_stat_user_tables
           WHERE seq_scan > 100 AND seq_tup_read / seq_scan > 10000
           ORDER BY 1""",
    ),
    Section(
        "bloat",
        """SELECT format('%I: %s of %s rows are dead, vacuumed %s', relname, n_dead_tup,
                  n_live_tup + n_dead_tup,
                  coalesce(greatest(last_vacuum, last_autovacuum)::text, 'never'))
           FROM pg_stat_user_tables
           WHERE n_dead_tup >= 1000 AND n_dead_tup > 0.2 * (n_live_tup + n_dead_tup)
           ORDER BY n_dead_tup DESC""",
    ),
)
SLOW: Final = Section(
    "slow statements",
    """SELECT format('%s ms on average, %s calls: %s', round(mean_exec_time::numeric, 1), calls,
              left(regexp_replace(query, '\\s+', ' ', 'g'), 200))
       FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid
       WHERE d.datname = current_database() ORDER BY total_exec_time DESC LIMIT 10""",
)
NO_STATEMENTS: Final = (
    "pg_stat_statements is not installed: add it to shared_preload_libraries and CREATE EXTENSION"
)


def report() -> dict[str, list[str]]:
    """Return the lines of each section."""
    with connections["owner"].cursor() as cursor:
        found = {section.title: _lines(cursor, section) for section in SECTIONS}
        cursor.execute("SELECT FROM pg_extension WHERE extname = 'pg_stat_statements'")
        known = cursor.fetchone() is not None
        found[SLOW.title] = _lines(cursor, SLOW) if known else [NO_STATEMENTS]
    return found


def _lines(cursor: Any, section: Section) -> list[str]:
    cursor.execute(section.statement)
    return [line for (line,) in cursor.fetchmany(REPORTED_MAX)]
