SELECT
  `t23`.`started`,
  `t23`.`text`,
  CAST(NULL AS STRING) AS `hash`,
  `t23`.`user`,
  `t23`.`application`,
  `t23`.`label`,
  `t23`.`seconds`,
  `t23`.`cost`,
  CAST(NULL AS DOUBLE) AS `bytes`,
  CAST(NULL AS STRING) AS `database`,
  CAST(NULL AS STRING) AS `schema`,
  `t23`.`kind`,
  `t23`.`reads`
FROM (
  SELECT
    CAST(`t19`.`start_time` AS TIMESTAMP) AS `started`,
    `t19`.`statement_text` AS `text`,
    `t19`.`executed_by` AS `user`,
    `t19`.`client_application` AS `application`,
    TO_JSON(`t19`.`query_tags`) AS `label`,
    TRY_DIVIDE(DATEDIFF(MILLISECOND, `t19`.`start_time`, `t19`.`end_time`), 1000.0) AS `seconds`,
    UPPER(`t19`.`statement_type`) AS `kind`,
    IF(
      COALESCE(UPPER(`t19`.`execution_status`) <> 'FINISHED', FALSE),
      '[]',
      IF(UPPER(`t19`.`statement_type`) = 'SELECT', `t22`.`reads`, CAST(NULL AS STRING))
    ) AS `reads`,
    `t19`.`cost`
  FROM (
    SELECT
      `t14`.`statement_id`,
      `t14`.`statement_text`,
      `t14`.`statement_type`,
      `t14`.`execution_status`,
      `t14`.`executed_by`,
      `t14`.`client_application`,
      `t14`.`start_time`,
      `t14`.`end_time`,
      `t14`.`query_tags`,
      `t14`.`compute`,
      `t14`.`ran_at`,
      `t14`.`began`,
      `t14`.`took`,
      `t14`.`all_took`,
      `t14`.`at`,
      `t14`.`hour`,
      `t14`.`billed`,
      TRY_DIVIDE(`t14`.`billed` * `t14`.`took`, NULLIF(`t14`.`all_took`, 0.0)) AS `cost`
    FROM (
      SELECT
        `t13`.`statement_id`,
        `t13`.`statement_text`,
        `t13`.`statement_type`,
        `t13`.`execution_status`,
        `t13`.`executed_by`,
        `t13`.`client_application`,
        `t13`.`start_time`,
        `t13`.`end_time`,
        `t13`.`query_tags`,
        `t13`.`compute`,
        `t13`.`ran_at`,
        `t13`.`began`,
        `t13`.`took`,
        `t13`.`all_took`,
        `t12`.`at`,
        `t12`.`hour`,
        `t12`.`billed`
      FROM (
        SELECT
          `t6`.`statement_id`,
          `t6`.`statement_text`,
          `t6`.`statement_type`,
          `t6`.`execution_status`,
          `t6`.`executed_by`,
          `t6`.`client_application`,
          `t6`.`start_time`,
          `t6`.`end_time`,
          `t6`.`query_tags`,
          `t6`.`compute`,
          `t6`.`ran_at`,
          `t6`.`began`,
          `t6`.`took`,
          SUM(`t6`.`took`) OVER (
            PARTITION BY `t6`.`ran_at`, `t6`.`began`
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          ) AS `all_took`
        FROM (
          SELECT
            `t0`.`statement_id`,
            `t0`.`statement_text`,
            `t0`.`statement_type`,
            `t0`.`execution_status`,
            `t0`.`executed_by`,
            `t0`.`client_application`,
            `t0`.`start_time`,
            `t0`.`end_time`,
            `t0`.`query_tags`,
            `t0`.`compute`,
            `t0`.`compute`.`warehouse_id` AS `ran_at`,
            DATE_TRUNC('hour', `t0`.`start_time`) AS `began`,
            TRY_DIVIDE(DATEDIFF(MILLISECOND, `t0`.`start_time`, `t0`.`end_time`), 1000.0) AS `took`
          FROM `system`.`query`.`history` AS `t0`
          WHERE
            `t0`.`start_time` >= CAST('2026-11-01T00:00:00+00:00' AS TIMESTAMP)
        ) AS `t6`
      ) AS `t13`
      LEFT OUTER JOIN (
        SELECT
          `t7`.`at`,
          `t7`.`hour`,
          SUM(`t7`.`quantity`) AS `billed`
        FROM (
          SELECT
            `t1`.`usage_metadata`.`warehouse_id` AS `at`,
            DATE_TRUNC('hour', `t1`.`usage_start_time`) AS `hour`,
            CAST(`t1`.`usage_quantity` AS DOUBLE) AS `quantity`
          FROM `system`.`billing`.`usage` AS `t1`
          WHERE
            `t1`.`usage_start_time` >= CAST('2026-11-01T00:00:00+00:00' AS TIMESTAMP)
            AND UPPER(`t1`.`usage_unit`) = 'DBU'
            AND (
              `t1`.`usage_metadata`.`warehouse_id`
            ) IS NOT NULL
        ) AS `t7`
        GROUP BY
          1,
          2
      ) AS `t12`
        ON `t13`.`ran_at` = `t12`.`at` AND `t13`.`began` = `t12`.`hour`
    ) AS `t14`
    WHERE
      NOT (
        COALESCE(UPPER(`t14`.`execution_status`) <> 'FINISHED', FALSE)
      )
      OR CONTAINS(COALESCE(`t14`.`statement_text`, ''), '"node_id"')
  ) AS `t19`
  LEFT OUTER JOIN (
    SELECT
      `t20`.`statement_id`,
      CONCAT(
        CONCAT(
          '[',
          COALESCE(
            IF(
              SIZE(ARRAY_SORT(`t20`.`entries`)) > 0,
              CONCAT_WS(',', ARRAY_SORT(`t20`.`entries`)),
              NULL
            ),
            ''
          )
        ),
        ']'
      ) AS `reads`
    FROM (
      SELECT
        `t18`.`statement_id`,
        COLLECT_LIST(`t18`.`entry`) AS `entries`
      FROM (
        SELECT
          `t8`.`statement_id`,
          CONCAT(
            CONCAT(
              CONCAT(
                CONCAT(
                  '[',
                  CONCAT(
                    CONCAT('"', REPLACE(REPLACE(`t8`.`source_table_full_name`, '\\', '\\\\'), '"', '\\"')),
                    '"'
                  )
                ),
                ','
              ),
              COALESCE(`t16`.`names`, 'null')
            ),
            ']'
          ) AS `entry`
        FROM (
          SELECT DISTINCT
            `t2`.`statement_id`,
            `t2`.`source_table_full_name`
          FROM `system`.`access`.`table_lineage` AS `t2`
          WHERE
            `t2`.`event_time` >= CAST('2026-11-01T00:00:00+00:00' AS TIMESTAMP)
            AND `t2`.`statement_id` IS NOT NULL
            AND `t2`.`source_table_full_name` IS NOT NULL
        ) AS `t8`
        LEFT OUTER JOIN (
          SELECT
            `t9`.`statement_id` AS `of`,
            `t9`.`source_table_full_name` AS `relation`,
            CONCAT(
              CONCAT(
                '[',
                COALESCE(
                  IF(
                    SIZE(
                      TRANSFORM(
                        ARRAY_SORT(`t9`.`names`),
                        __ibis_param_text__ -> CONCAT(CONCAT('"', REPLACE(REPLACE(__ibis_param_text__, '\\', '\\\\'), '"', '\\"')), '"')
                      )
                    ) > 0,
                    CONCAT_WS(
                      ',',
                      TRANSFORM(
                        ARRAY_SORT(`t9`.`names`),
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
              `t5`.`statement_id`,
              `t5`.`source_table_full_name`,
              COLLECT_LIST(DISTINCT `t5`.`source_column_name`) AS `names`
            FROM (
              SELECT
                *
              FROM `system`.`access`.`column_lineage` AS `t3`
              WHERE
                `t3`.`event_time` >= CAST('2026-11-01T00:00:00+00:00' AS TIMESTAMP)
                AND `t3`.`source_table_full_name` IS NOT NULL
                AND `t3`.`source_column_name` IS NOT NULL
            ) AS `t5`
            GROUP BY
              1,
              2
          ) AS `t9`
        ) AS `t16`
          ON `t8`.`statement_id` = `t16`.`of`
          AND `t8`.`source_table_full_name` = `t16`.`relation`
      ) AS `t18`
      GROUP BY
        1
    ) AS `t20`
  ) AS `t22`
    ON `t19`.`statement_id` = `t22`.`statement_id`
) AS `t23`
