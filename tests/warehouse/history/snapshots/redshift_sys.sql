SELECT
  query_id,
  user_id,
  database_name,
  query_type,
  NULLIF(status, 'success') AS status,
  start_time,
  elapsed_time,
  RTRIM(query_text) AS query_text
FROM sys_query_history
WHERE
  start_time >= '2026-11-20 00:00:00'
  AND start_time < '2026-11-21 00:00:00'
  AND user_id <> 1
;
SELECT DISTINCT
  d.query_id,
  d.table_id
FROM sys_query_detail AS d
JOIN sys_query_history AS h
  ON h.query_id = d.query_id
WHERE
  h.start_time >= '2026-11-20 00:00:00'
  AND h.start_time < '2026-11-21 00:00:00'
  AND h.user_id <> 1
  AND d.start_time >= '2026-11-20 00:00:00'
  AND d.table_id > 0
  AND LENGTH(RTRIM(h.query_text)) >= 4000
