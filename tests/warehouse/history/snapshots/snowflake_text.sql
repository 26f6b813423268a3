WITH credits AS (
  SELECT
    query_id,
    SUM(
      COALESCE(credits_attributed_compute, 0) + COALESCE(credits_used_query_acceleration, 0)
    ) AS credits
  FROM snowflake.account_usage.query_attribution_history
  WHERE
    start_time >= CAST('2026-11-01T00:00:00+00:00' AS TIMESTAMPTZ)
  GROUP BY
    query_id
), reads AS (
  SELECT
    CAST(NULL AS VARCHAR) AS query_id,
    CAST(NULL AS VARCHAR) AS reads
  LIMIT 0
)
SELECT
  q.query_text AS "text",
  CAST(CONVERT_TIMEZONE('UTC', q.start_time) AS TIMESTAMPNTZ) AS "started",
  q.query_parameterized_hash AS "hash",
  q.user_name AS "user",
  q.query_tag AS "label",
  q.total_elapsed_time / 1000 AS "seconds",
  c.credits AS "cost",
  q.bytes_scanned AS "bytes",
  q.database_name AS "database",
  q.schema_name AS "schema",
  UPPER(q.query_type) AS "kind",
  CASE
    WHEN UPPER(q.execution_status) <> 'SUCCESS'
    THEN '[]'
    WHEN UPPER(q.query_type) = 'SELECT'
    THEN r.reads
  END AS "reads"
FROM snowflake.account_usage.query_history AS q
LEFT JOIN credits AS c
  ON c.query_id = q.query_id
LEFT JOIN reads AS r
  ON r.query_id = q.query_id
WHERE
  q.start_time >= CAST('2026-11-01T00:00:00+00:00' AS TIMESTAMPTZ)
  AND NOT q.query_text IS NULL
  AND (
    COALESCE(UPPER(q.execution_status), 'SUCCESS') = 'SUCCESS'
    OR q.query_text LIKE '%"node_id"%'
  )
