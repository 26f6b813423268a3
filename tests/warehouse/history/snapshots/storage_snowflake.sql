SELECT
  table_catalog,
  table_schema,
  table_name,
  SUM(active_bytes + time_travel_bytes + failsafe_bytes)
FROM "SNOWFLAKE"."ACCOUNT_USAGE".table_storage_metrics
WHERE
  NOT deleted
GROUP BY
  table_catalog,
  table_schema,
  table_name
