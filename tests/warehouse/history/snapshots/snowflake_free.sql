WITH credits AS (
  SELECT
    CAST(NULL AS VARCHAR) AS query_id,
    CAST(NULL AS DOUBLE) AS credits
  LIMIT 0
), objects AS (
  SELECT
    a.query_id,
    CAST(GET_PATH(object.value, 'objectName') AS VARCHAR) AS relation,
    GET_PATH(object.value, 'columns') AS columns
  FROM snowflake.account_usage.access_history AS a, LATERAL FLATTEN(input => a.direct_objects_accessed) AS object(SEQ, KEY, PATH, INDEX, VALUE, THIS)
  WHERE
    a.query_start_time >= CAST('2026-11-01T00:00:00+00:00' AS TIMESTAMPTZ)
    AND NOT GET_PATH(object.value, 'objectName') IS NULL
    AND NOT LOWER(COALESCE(CAST(GET_PATH(object.value, 'objectDomain') AS VARCHAR), '')) IN ('function', 'procedure', 'sequence', 'stage')
), reads AS (
  SELECT
    query_id,
    '[' || LISTAGG(entry, ',') || ']' AS reads
  FROM (
    SELECT
      objects.query_id,
      '["' || REPLACE(
        REPLACE(objects.relation, CHR(  92), CHR(  92) || CHR(  92)),
        CHR(  34),
        CHR(  92) || CHR(  34)
      ) || '",' || CASE
        WHEN COUNT(names.name) = 0
        THEN 'null'
        ELSE '["' || LISTAGG(names.name, '","') || '"]'
      END || ']' AS entry
    FROM (
      SELECT DISTINCT
        query_id,
        relation
      FROM objects
    ) AS objects
    LEFT JOIN (
      SELECT DISTINCT
        o.query_id,
        o.relation,
        REPLACE(
          REPLACE(
            CAST(GET_PATH(col.value, 'columnName') AS VARCHAR),
            CHR(  92),
            CHR(  92) || CHR(  92)
          ),
          CHR(  34),
          CHR(  92) || CHR(  34)
        ) AS name
      FROM objects AS o, LATERAL FLATTEN(input => o.columns) AS col(SEQ, KEY, PATH, INDEX, VALUE, THIS)
    ) AS names
      ON names.query_id = objects.query_id AND names.relation = objects.relation
    GROUP BY
      objects.query_id,
      objects.relation
  ) AS entries
  GROUP BY
    query_id
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
