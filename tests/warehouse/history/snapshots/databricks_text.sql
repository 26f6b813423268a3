SELECT
  `t2`.`started`,
  `t2`.`text`,
  CAST(NULL AS STRING) AS `hash`,
  `t2`.`user`,
  `t2`.`application`,
  `t2`.`label`,
  `t2`.`seconds`,
  CAST(NULL AS DOUBLE) AS `cost`,
  CAST(NULL AS DOUBLE) AS `bytes`,
  CAST(NULL AS STRING) AS `database`,
  CAST(NULL AS STRING) AS `schema`,
  `t2`.`kind`,
  `t2`.`reads`
FROM (
  SELECT
    CAST(`t1`.`start_time` AS TIMESTAMP) AS `started`,
    `t1`.`statement_text` AS `text`,
    `t1`.`executed_by` AS `user`,
    `t1`.`client_application` AS `application`,
    TO_JSON(`t1`.`query_tags`) AS `label`,
    TRY_DIVIDE(DATEDIFF(MILLISECOND, `t1`.`start_time`, `t1`.`end_time`), 1000.0) AS `seconds`,
    UPPER(`t1`.`statement_type`) AS `kind`,
    IF(
      COALESCE(UPPER(`t1`.`execution_status`) <> 'FINISHED', FALSE),
      '[]',
      IF(UPPER(`t1`.`statement_type`) = 'SELECT', CAST(NULL AS STRING), CAST(NULL AS STRING))
    ) AS `reads`
  FROM (
    SELECT
      *
    FROM `system`.`query`.`history` AS `t0`
    WHERE
      `t0`.`start_time` >= CAST('2026-11-01T00:00:00+00:00' AS TIMESTAMP)
      AND (
        NOT (
          COALESCE(UPPER(`t0`.`execution_status`) <> 'FINISHED', FALSE)
        )
        OR CONTAINS(COALESCE(`t0`.`statement_text`, ''), '"node_id"')
      )
  ) AS `t1`
) AS `t2`
