SELECT
  CURRENT_DATABASE(),
  n.nspname,
  r.relname,
  SUM(PG_TOTAL_RELATION_SIZE(c.oid))
FROM pg_class AS c
JOIN pg_class AS r
  ON r.oid = COALESCE(PG_PARTITION_ROOT(c.oid), c.oid)
JOIN pg_namespace AS n
  ON n.oid = r.relnamespace
WHERE
  c.relkind IN ('r', 'm')
  AND NOT n.nspname IN ('pg_catalog', 'information_schema')
  AND NOT n.nspname ~ '^pg_(toast|temp)'
GROUP BY
  n.nspname,
  r.relname
