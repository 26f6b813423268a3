SELECT
  `t15`.`started`,
  `t15`.`text`,
  CAST(NULL AS STRING) AS `hash`,
  `t15`.`user`,
  `t15`.`application`,
  `t15`.`label`,
  `t15`.`seconds`,
  CAST(NULL AS DOUBLE) AS `cost`,
  CAST(NULL AS DOUBLE) AS `bytes`,
  CAST(NULL AS STRING) AS `database`,
  CAST(NULL AS STRING) AS `schema`,
  `t15`.`kind`,
  `t15`.`reads`
FROM (
  SELECT
    CAST(`t8`.`start_time` AS TIMESTAMP) AS `started`,
    `t8`.`statement_text` AS `text`,
    `t8`.`executed_by` AS `user`,
    `t8`.`client_application` AS `application`,
    TO_JSON(`t8`.`query_tags`) AS `label`,
    TRY_DIVIDE(DATEDIFF(MILLISECOND, `t8`.`start_time`, `t8`.`end_time`), 1000.0) AS `seconds`,
    UPPER(`t8`.`statement_type`) AS `kind`,
    IF(
      COALESCE(UPPER(`t8`.`execution_status`) <> 'FINISHED', FALSE),
      '[]',
      IF(UPPER(`t8`.`statement_type`) = 'SELECT', `t14`.`reads`, CAST(NULL AS STRING))
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
  ) AS `t8`
  LEFT OUTER JOIN (
    SELECT
      `t12`.`statement_id`,
      CONCAT(
        CONCAT(
          '[',
          COALESCE(
            IF(
              SIZE(ARRAY_SORT(`t12`.`entries`)) > 0,
              CONCAT_WS(',', ARRAY_SORT(`t12`.`entries`)),
              NULL
            ),
            ''
          )
        ),
        ']'
      ) AS `reads`
    FROM (
      SELECT
        `t11`.`statement_id`,
        COLLECT_LIST(`t11`.`entry`) AS `entries`
      FROM (
        SELECT
          `t5`.`statement_id`,
          CONCAT(
            CONCAT(
              CONCAT(
                CONCAT(
                  '[',
                  CONCAT(
                    CONCAT('"', REPLACE(REPLACE(`t5`.`source_table_full_name`, '\\', '\\\\'), '"', '\\"')),
                    '"'
                  )
                ),
                ','
              ),
              COALESCE(`t10`.`names`, 'null')
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
        ) AS `t5`
        LEFT OUTER JOIN (
          SELECT
            `t6`.`statement_id` AS `of`,
            `t6`.`source_table_full_name` AS `relation`,
            CONCAT(
              CONCAT(
                '[',
                COALESCE(
                  IF(
                    SIZE(
                      TRANSFORM(
                        ARRAY_SORT(`t6`.`names`),
                        __ibis_param_text__ -> CONCAT(CONCAT('"', REPLACE(REPLACE(__ibis_param_text__, '\\', '\\\\'), '"', '\\"')), '"')
                      )
                    ) > 0,
                    CONCAT_WS(
                      ',',
                      TRANSFORM(
                        ARRAY_SORT(`t6`.`names`),
                        __ibis_param_text__ -> CONCAT(CONCAT('"', REPLACE(REPLACE(__ibis_param_text__, '\\', '\\\\'), '"', '\\"')), '"')
                      )
                    ),
                    NULL
                  ),
                  ''
                )
              ),
              ']'
            ) AS `names`
          FROM (
            SELECT
              `t4`.`statement_id`,
              `t4`.`source_table_full_name`,
              COLLECT_LIST(DISTINCT `t4`.`source_column_name`) AS `names`
            FROM (
              SELECT
                *
              FROM `system`.`access`.`column_lineage` AS `t2`
              WHERE
                `t2`.`event_time` >= CAST('2026-11-01T00:00:00+00:00' AS TIMESTAMP)
                AND `t2`.`source_table_full_name` IS NOT NULL
                AND `t2`.`source_column_name` IS NOT NULL
            ) AS `t4`
            GROUP BY
              1,
              2
          ) AS `t6`
        ) AS `t10`
          ON `t5`.`statement_id` = `t10`.`of`
          AND `t5`.`source_table_full_name` = `t10`.`relation`
      ) AS `t11`
      GROUP BY
        1
    ) AS `t12`
  ) AS `t14`
    ON `t8`.`statement_id` = `t14`.`statement_id`
) AS `t15`
