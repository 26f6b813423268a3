SELECT
  CAST(`t0`.`creation_time` AS DATETIME) AS `started`,
  `t0`.`query` AS `text`,
  `t0`.`query_info`.`query_hashes`.`normalized_literals` AS `hash`,
  `t0`.`user_email` AS `user`,
  CAST(NULL AS STRING) AS `application`,
  CONCAT(
    CONCAT(
      '{',
      COALESCE(
        IF(
          ARRAY_LENGTH(
            ARRAY(
              SELECT
                CONCAT(
                  CONCAT(
                    CONCAT(
                      CONCAT('"', REPLACE(REPLACE(__ibis_param_label__.`key`, '\\', '\\\\'), '"', '\\"')),
                      '"'
                    ),
                    ':'
                  ),
                  CONCAT(
                    CONCAT('"', REPLACE(REPLACE(__ibis_param_label__.`value`, '\\', '\\\\'), '"', '\\"')),
                    '"'
                  )
                )
              FROM UNNEST(`t0`.`labels`) AS __ibis_param_label__
            )
          ) > 0,
          ARRAY_TO_STRING(
            ARRAY(
              SELECT
                CONCAT(
                  CONCAT(
                    CONCAT(
                      CONCAT('"', REPLACE(REPLACE(__ibis_param_label__.`key`, '\\', '\\\\'), '"', '\\"')),
                      '"'
                    ),
                    ':'
                  ),
                  CONCAT(
                    CONCAT('"', REPLACE(REPLACE(__ibis_param_label__.`value`, '\\', '\\\\'), '"', '\\"')),
                    '"'
                  )
                )
              FROM UNNEST(`t0`.`labels`) AS __ibis_param_label__
            ),
            ','
          ),
          NULL
        ),
        ''
      )
    ),
    '}'
  ) AS `label`,
  ieee_divide(CAST(`t0`.`total_slot_ms` AS FLOAT64), 1000.0) AS `seconds`,
  CAST(`t0`.`total_bytes_billed` AS FLOAT64) AS `cost`,
  CAST(`t0`.`total_bytes_billed` AS FLOAT64) AS `bytes`,
  'shop-prod' AS `database`,
  CAST(NULL AS STRING) AS `schema`,
  UPPER(`t0`.`statement_type`) AS `kind`,
  IF(
    (
      `t0`.`error_result`.`reason`
    ) IS NOT NULL,
    '[]',
    IF(
      `t0`.`statement_type` = 'SELECT',
      IF(
        `t0`.`query` IS NULL,
        CONCAT(
          CONCAT(
            '[',
            COALESCE(
              IF(
                ARRAY_LENGTH(
                  ARRAY(
                    SELECT
                      CONCAT(
                        CONCAT(
                          '[',
                          CONCAT(
                            CONCAT(
                              '"',
                              REPLACE(
                                REPLACE(
                                  CONCAT(
                                    CONCAT(
                                      CONCAT(CONCAT(__ibis_param_read__.`project_id`, '.'), __ibis_param_read__.`dataset_id`),
                                      '.'
                                    ),
                                    __ibis_param_read__.`table_id`
                                  ),
                                  '\\',
                                  '\\\\'
                                ),
                                '"',
                                '\\"'
                              )
                            ),
                            '"'
                          )
                        ),
                        ',null]'
                      )
                    FROM UNNEST(`t0`.`referenced_tables`) AS __ibis_param_read__
                  )
                ) > 0,
                ARRAY_TO_STRING(
                  ARRAY(
                    SELECT
                      CONCAT(
                        CONCAT(
                          '[',
                          CONCAT(
                            CONCAT(
                              '"',
                              REPLACE(
                                REPLACE(
                                  CONCAT(
                                    CONCAT(
                                      CONCAT(CONCAT(__ibis_param_read__.`project_id`, '.'), __ibis_param_read__.`dataset_id`),
                                      '.'
                                    ),
                                    __ibis_param_read__.`table_id`
                                  ),
                                  '\\',
                                  '\\\\'
                                ),
                                '"',
                                '\\"'
                              )
                            ),
                            '"'
                          )
                        ),
                        ',null]'
                      )
                    FROM UNNEST(`t0`.`referenced_tables`) AS __ibis_param_read__
                  ),
                  ','
                ),
                NULL
              ),
              ''
            )
          ),
          ']'
        ),
        CAST(NULL AS STRING)
      ),
      CAST(NULL AS STRING)
    )
  ) AS `reads`
FROM `shop-prod.region-eu.INFORMATION_SCHEMA.JOBS` AS `t0`
WHERE
  `t0`.`creation_time` >= TIMESTAMP('2026-11-01T00:00:00+00:00')
  AND COALESCE(`t0`.`statement_type`, '') <> 'SCRIPT'
  AND (
    NOT (
      (
        `t0`.`error_result`.`reason`
      ) IS NOT NULL
    )
    OR (
      INSTR(COALESCE(`t0`.`query`, ''), '"node_id"') > 0
    )
  )
