SELECT
  "database",
  "schema",
  "table",
  CAST(size AS BIGINT) * 1048576
FROM svv_table_info
