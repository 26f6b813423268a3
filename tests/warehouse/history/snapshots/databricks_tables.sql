SELECT
  `t9`.`started`,
  `t9`.`text`,
  CAST(NULL AS STRING) AS `hash`,
  `t9`.`user`,
  `t9`.`application`,
  `t9`.`label`,
  `t9`.`seconds`,
  CAST(NULL AS DOUBLE) AS `cost`,
  CAST(NULL AS DOUBLE) AS `bytes`,
  CAST(NULL AS STRING) AS `database`,
  CAST(NULL AS STRING) AS `schema`,
  `t9`.`kind`,
  `t9`.`reads`
FROM (
  SELECT
    CAST(`t4`.`start_time` AS TIMESTAMP) AS `started`,
    `t4`.`statement_text` AS `text`,
    `t4`.`executed_by` AS `user`,
    `t4`.`client_application` AS `application`,
    TO_JSON(`t4`.`query_tags`) AS `label`,
    TRY_DIVIDE(DATEDIFF(MILLISECOND, `t4`.`start_time`, `t4`.`end_time`), 1000.0) AS `seconds`,
    UPPER(`t4`.`statement_type`) AS `kind`,
    IF(
      COALESCE(UPPER(`t4`.`execution_status`) <> 'FINISHED', FALSE),
      '[]',
      IF(UPPER(`t4`.`statement_type`) = 'SELECT', `t8`.`reads`, CAST(NULL AS STRING))
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
  ) AS `t4`
  LEFT OUTER JOIN (
    SELECT
      `t6`.`statement_id`,
      CONCAT(
        CONCAT(
          '[',
          COALESCE(
            IF(
              SIZE(ARRAY_SORT(`t6`.`entries`)) > 0,
              CONCAT_WS(',', ARRAY_SORT(`t6`.`entries`)),
              NULL
            ),
            ''
          )
        ),
        ']'
      ) AS `reads`
    FROM (
      SELECT
        `t5`.`statement_id`,
        COLLECT_LIST(`t5`.`entry`) AS `entries`
      FROM (
        SELECT
          `t2`.`statement_id`,
          CONCAT(
            CONCAT(
              CONCAT(
                CONCAT(
                  '[',
                  CONCAT(
                    CONCAT('"', REPLACE(REPLACE(`t2`.`source_table_full_name`, '\\', '\\\\'), '"', '\\"')),
                    '"'
                  )
                ),
                ','
              ),
              'null'
            ),
            ']'
          ) AS `entry`
        FROM (
          SELECT DISTINCT
            `t1`.`statement_id`,
            `t1`.`source_table_full_name`
          FROM `system`.`access`.`table_lineage` AS `t1`
          WHERE
            `t1`.`event_time` >= CAST('2026-11-01T00:00:00+00:00' AS TIMESTAMP)
            AND `t1`.`statement_id` IS NOT NULL
            AND `t1`.`source_table_full_name` IS NOT NULL
        ) AS `t2`
      ) AS `t5`
      GROUP BY
        1
    ) AS `t6`
  ) AS `t8`
    ON `t4`.`statement_id` = `t8`.`statement_id`
) AS `t9`
