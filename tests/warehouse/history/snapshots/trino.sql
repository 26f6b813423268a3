SELECT
  "t2"."started",
  "t2"."text",
  CAST(NULL AS VARCHAR) AS "hash",
  "t2"."user",
  CAST(NULL AS VARCHAR) AS "application",
  CAST(NULL AS VARCHAR) AS "label",
  "t2"."seconds",
  CAST(NULL AS DOUBLE) AS "cost",
  CAST(NULL AS DOUBLE) AS "bytes",
  "t2"."database",
  "t2"."schema",
  "t2"."kind",
  "t2"."reads"
FROM (
  SELECT
    CAST("t1"."create_time" AS TIMESTAMP) AS "started",
    "t1"."query" AS "text",
    "t1"."usr" AS "user",
    DATE_DIFF(
      'MILLISECOND',
      DATE_TRUNC('MILLISECOND', "t1"."create_time"),
      DATE_TRUNC('MILLISECOND', "t1"."end_time")
    ) / CAST(1000.0 AS DOUBLE) AS "seconds",
    "t1"."catalog" AS "database",
    "t1"."schema",
    UPPER("t1"."query_type") AS "kind",
    IF(
      COALESCE(UPPER("t1"."query_state") <> 'FINISHED', FALSE),
      '[]',
      IF(
        UPPER("t1"."query_type") = 'SELECT',
        NULLIF(
          CONCAT(
            CONCAT(
              '[',
              COALESCE(
                ARRAY_JOIN(
                  NULLIF(
                    TRANSFORM(
                      CAST(JSON_PARSE(
                        JSON_QUERY(
                          JSON_FORMAT(TRY(JSON_PARSE("t1"."accessed_metadata"))),
                          'strict $?($.type() == "array")'
                        )
                      ) AS ARRAY(JSON)),
                      __ibis_param_accessed__ -> CONCAT(
                        CONCAT(
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
                                          CONCAT(
                                            CONCAT(
                                              JSON_VALUE(
                                                JSON_FORMAT(JSON_EXTRACT(__ibis_param_accessed__, FORMAT('$["%s"]', 'catalogName'))),
                                                'strict $?($.type() == "string")'
                                              ),
                                              '.'
                                            ),
                                            JSON_VALUE(
                                              JSON_FORMAT(JSON_EXTRACT(__ibis_param_accessed__, FORMAT('$["%s"]', 'schema'))),
                                              'strict $?($.type() == "string")'
                                            )
                                          ),
                                          '.'
                                        ),
                                        JSON_VALUE(
                                          JSON_FORMAT(JSON_EXTRACT(__ibis_param_accessed__, FORMAT('$["%s"]', 'table'))),
                                          'strict $?($.type() == "string")'
                                        )
                                      ),
                                      '\',
                                      '\\'
                                    ),
                                    '"',
                                    '\"'
                                  )
                                ),
                                '"'
                              )
                            ),
                            ','
                          ),
                          COALESCE(
                            NULLIF(
                              CONCAT(
                                CONCAT(
                                  '[',
                                  COALESCE(
                                    ARRAY_JOIN(
                                      NULLIF(
                                        TRANSFORM(
                                          CAST(JSON_PARSE(
                                            JSON_QUERY(
                                              JSON_FORMAT(JSON_EXTRACT(__ibis_param_accessed__, FORMAT('$["%s"]', 'columns'))),
                                              'strict $?($.type() == "array")'
                                            )
                                          ) AS ARRAY(JSON)),
                                          __ibis_param_column__ -> CONCAT(
                                            CONCAT(
                                              '"',
                                              REPLACE(
                                                REPLACE(
                                                  JSON_VALUE(JSON_FORMAT(__ibis_param_column__), 'strict $?($.type() == "string")'),
                                                  '\',
                                                  '\\'
                                                ),
                                                '"',
                                                '\"'
                                              )
                                            ),
                                            '"'
                                          )
                                        ),
                                        ARRAY[]
                                      ),
                                      ','
                                    ),
                                    ''
                                  )
                                ),
                                ']'
                              ),
                              '[]'
                            ),
                            'null'
                          )
                        ),
                        ']'
                      )
                    ),
                    ARRAY[]
                  ),
                  ','
                ),
                ''
              )
            ),
            ']'
          ),
          '[]'
        ),
        CAST(NULL AS VARCHAR)
      )
    ) AS "reads"
  FROM (
    SELECT
      *
    FROM "audit"."events"."completed_queries" AS "t0"
    WHERE
      "t0"."create_time" >= CAST(FROM_ISO8601_TIMESTAMP('2026-11-01T00:00:00') AS TIMESTAMP(3))
      AND (
        NOT (
          COALESCE(UPPER("t0"."query_state") <> 'FINISHED', FALSE)
        )
        OR (
          STRPOS(COALESCE("t0"."query", ''), '"node_id"') > 0
        )
      )
  ) AS "t1"
) AS "t2"
