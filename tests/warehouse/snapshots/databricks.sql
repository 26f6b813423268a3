-- simple: revenue
-- Constrain Output with WHERE
-- Select: ['__revenue', 'metric_time__month']
-- Aggregate Inputs for Simple Metrics
-- Compute Metrics via Expressions
-- Order By ['metric_time__month']
-- Write to DataTable
SELECT
  metric_time__month
  , SUM(revenue) AS revenue
FROM (
  -- Join Standard Outputs
  -- Select: ['__revenue', 'customer__country', 'metric_time__month']
  SELECT
    subq_3.metric_time__month AS metric_time__month
    , customers_src_10000.country AS customer__country
    , subq_3.__revenue AS revenue
  FROM (
    -- Read Elements From Semantic Model 'orders'
    -- Metric Time Dimension 'ordered_at'
    -- Constrain Time Range to [2026-07-01T00:00:00, 2026-09-30T00:00:00]
    SELECT
      DATE_TRUNC('month', ordered_at) AS metric_time__month
      , customer_id AS customer
      , amount AS __revenue
    FROM "main"."orders" orders_src_10000
    WHERE DATE_TRUNC('day', ordered_at) BETWEEN '2026-07-01' AND '2026-09-30'
  ) subq_3
  LEFT OUTER JOIN
    "main"."customers" customers_src_10000
  ON
    subq_3.customer = customers_src_10000.customer_id
) subq_7
WHERE customer__country <> 'FR'
GROUP BY
  metric_time__month
ORDER BY metric_time__month

-- filtered: pro_revenue
-- Constrain Output with WHERE
-- Select: ['__pro_revenue', 'metric_time__month']
-- Aggregate Inputs for Simple Metrics
-- Compute Metrics via Expressions
-- Order By ['metric_time__month']
-- Write to DataTable
SELECT
  metric_time__month
  , SUM(pro_revenue) AS pro_revenue
FROM (
  -- Join Standard Outputs
  -- Select: ['__pro_revenue', 'customer__plan__tier', 'metric_time__month']
  SELECT
    subq_6.metric_time__month AS metric_time__month
    , subq_11.plan__tier AS customer__plan__tier
    , subq_6.__pro_revenue AS pro_revenue
  FROM (
    -- Read Elements From Semantic Model 'orders'
    -- Metric Time Dimension 'ordered_at'
    -- Constrain Time Range to [2026-07-01T00:00:00, 2026-09-30T00:00:00]
    SELECT
      DATE_TRUNC('month', ordered_at) AS metric_time__month
      , customer_id AS customer
      , amount AS __pro_revenue
    FROM "main"."orders" orders_src_10000
    WHERE DATE_TRUNC('day', ordered_at) BETWEEN '2026-07-01' AND '2026-09-30'
  ) subq_6
  LEFT OUTER JOIN (
    -- Join Standard Outputs
    -- Select: ['plan__tier', 'customer']
    SELECT
      customers_src_10000.customer_id AS customer
      , plans_src_10000.tier AS plan__tier
    FROM "main"."customers" customers_src_10000
    LEFT OUTER JOIN
      "main"."plans" plans_src_10000
    ON
      customers_src_10000.plan_id = plans_src_10000.plan_id
  ) subq_11
  ON
    subq_6.customer = subq_11.customer
) subq_13
WHERE customer__plan__tier = 'pro'
GROUP BY
  metric_time__month
ORDER BY metric_time__month

-- ratio: dutch_share
-- Compute Metrics via Expressions
-- Order By ['metric_time__month']
-- Write to DataTable
WITH sma_10001_cte AS (
  -- Read Elements From Semantic Model 'orders'
  -- Metric Time Dimension 'ordered_at'
  SELECT
    DATE_TRUNC('day', ordered_at) AS metric_time__day
    , DATE_TRUNC('month', ordered_at) AS metric_time__month
    , customer_id AS customer
    , amount AS __revenue
  FROM "main"."orders" orders_src_10000
)

SELECT
  metric_time__month AS metric_time__month
  , CAST(dutch AS DOUBLE) / CAST(NULLIF(revenue, 0) AS DOUBLE) AS dutch_share
FROM (
  -- Combine Aggregated Outputs
  SELECT
    COALESCE(subq_11.metric_time__month, subq_17.metric_time__month) AS metric_time__month
    , MAX(subq_11.dutch) AS dutch
    , MAX(subq_17.revenue) AS revenue
  FROM (
    -- Constrain Output with WHERE
    -- Select: ['__revenue', 'metric_time__month']
    -- Aggregate Inputs for Simple Metrics
    -- Compute Metrics via Expressions
    SELECT
      metric_time__month
      , SUM(revenue) AS dutch
    FROM (
      -- Join Standard Outputs
      -- Select: ['__revenue', 'customer__country', 'metric_time__month']
      SELECT
        subq_3.metric_time__month AS metric_time__month
        , customers_src_10000.country AS customer__country
        , subq_3.__revenue AS revenue
      FROM (
        -- Read From CTE For node_id=sma_10001
        -- Constrain Time Range to [2026-07-01T00:00:00, 2026-09-30T00:00:00]
        SELECT
          metric_time__month
          , customer
          , __revenue
        FROM sma_10001_cte
        WHERE metric_time__day BETWEEN '2026-07-01' AND '2026-09-30'
      ) subq_3
      LEFT OUTER JOIN
        "main"."customers" customers_src_10000
      ON
        subq_3.customer = customers_src_10000.customer_id
    ) subq_7
    WHERE customer__country = 'NL'
    GROUP BY
      metric_time__month
  ) subq_11
  FULL OUTER JOIN (
    -- Read From CTE For node_id=sma_10001
    -- Constrain Time Range to [2026-07-01T00:00:00, 2026-09-30T00:00:00]
    -- Select: ['__revenue', 'metric_time__month']
    -- Select: ['__revenue', 'metric_time__month']
    -- Aggregate Inputs for Simple Metrics
    -- Compute Metrics via Expressions
    SELECT
      metric_time__month
      , SUM(__revenue) AS revenue
    FROM sma_10001_cte
    WHERE metric_time__day BETWEEN '2026-07-01' AND '2026-09-30'
    GROUP BY
      metric_time__month
  ) subq_17
  ON
    subq_11.metric_time__month = subq_17.metric_time__month
  GROUP BY
    COALESCE(subq_11.metric_time__month, subq_17.metric_time__month)
) subq_18
ORDER BY metric_time__month

-- derived: revenue_growth
-- Compute Metrics via Expressions
-- Order By ['metric_time__month']
-- Write to DataTable
WITH sma_10001_cte AS (
  -- Read Elements From Semantic Model 'orders'
  -- Metric Time Dimension 'ordered_at'
  SELECT
    DATE_TRUNC('day', ordered_at) AS metric_time__day
    , DATE_TRUNC('month', ordered_at) AS metric_time__month
    , amount AS __revenue
  FROM "main"."orders" orders_src_10000
)

SELECT
  metric_time__month AS metric_time__month
  , (now - before) / NULLIF(before, 0) AS revenue_growth
FROM (
  -- Combine Aggregated Outputs
  SELECT
    COALESCE(subq_7.metric_time__month, subq_19.metric_time__month) AS metric_time__month
    , MAX(subq_7.now) AS now
    , MAX(subq_19.before) AS before
  FROM (
    -- Read From CTE For node_id=sma_10001
    -- Constrain Time Range to [2026-07-01T00:00:00, 2026-09-30T00:00:00]
    -- Select: ['__revenue', 'metric_time__month']
    -- Select: ['__revenue', 'metric_time__month']
    -- Aggregate Inputs for Simple Metrics
    -- Compute Metrics via Expressions
    SELECT
      metric_time__month
      , SUM(__revenue) AS now
    FROM sma_10001_cte
    WHERE metric_time__day BETWEEN '2026-07-01' AND '2026-09-30'
    GROUP BY
      metric_time__month
  ) subq_7
  FULL OUTER JOIN (
    -- Join to Time Spine Dataset
    -- Constrain Time Range to [2026-07-01T00:00:00, 2026-09-30T00:00:00]
    -- Compute Metrics via Expressions
    SELECT
      subq_16.metric_time__month AS metric_time__month
      , subq_11.__revenue AS before
    FROM (
      -- Read From Time Spine '"days"'
      -- Change Column Aliases
      -- Select: ['metric_time__month']
      -- Constrain Time Range to [2026-07-01T00:00:00, 2026-09-30T00:00:00]
      -- Select: ['metric_time__month']
      SELECT
        DATE_TRUNC('month', date_day) AS metric_time__month
      FROM "main"."days" time_spine_src_10000
      WHERE DATE_TRUNC('month', date_day) BETWEEN '2026-07-01' AND '2026-09-30'
      GROUP BY
        DATE_TRUNC('month', date_day)
    ) subq_16
    INNER JOIN (
      -- Read From CTE For node_id=sma_10001
      -- Select: ['__revenue', 'metric_time__month']
      -- Select: ['__revenue', 'metric_time__month']
      -- Aggregate Inputs for Simple Metrics
      SELECT
        metric_time__month
        , SUM(__revenue) AS __revenue
      FROM sma_10001_cte
      GROUP BY
        metric_time__month
    ) subq_11
    ON
      DATEADD(month, -1, subq_16.metric_time__month) = subq_11.metric_time__month
    WHERE subq_16.metric_time__month BETWEEN '2026-07-01' AND '2026-09-30'
  ) subq_19
  ON
    subq_7.metric_time__month = subq_19.metric_time__month
  GROUP BY
    COALESCE(subq_7.metric_time__month, subq_19.metric_time__month)
) subq_20
ORDER BY metric_time__month

-- cumulative: revenue_last_30_days
-- Re-aggregate Metric via Group By
-- Order By ['metric_time__month']
-- Write to DataTable
SELECT
  metric_time__month
  , revenue_last_30_days
FROM (
  -- Window Function for Metric Re-aggregation
  SELECT
    metric_time__month
    , FIRST_VALUE(revenue_last_30_days) OVER (
      PARTITION BY metric_time__month
      ORDER BY metric_time__day
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS revenue_last_30_days
  FROM (
    -- Join Self Over Time Range
    -- Select: ['__revenue', 'metric_time__month', 'metric_time__day']
    -- Constrain Time Range to [2026-07-01T00:00:00, 2026-09-30T00:00:00]
    -- Select: ['__revenue', 'metric_time__month', 'metric_time__day']
    -- Aggregate Inputs for Simple Metrics
    -- Compute Metrics via Expressions
    -- Compute Metrics via Expressions
    SELECT
      subq_7.metric_time__day AS metric_time__day
      , subq_7.metric_time__month AS metric_time__month
      , SUM(subq_6.__revenue) AS revenue_last_30_days
    FROM (
      -- Read From Time Spine '"days"'
      SELECT
        date_day AS metric_time__day
        , DATE_TRUNC('month', date_day) AS metric_time__month
      FROM "main"."days" subq_8
      WHERE date_day BETWEEN '2026-07-01' AND '2026-09-30'
    ) subq_7
    INNER JOIN (
      -- Read Elements From Semantic Model 'orders'
      -- Metric Time Dimension 'ordered_at'
      -- Constrain Time Range to [2026-06-01T00:00:00, 2026-09-30T00:00:00]
      SELECT
        DATE_TRUNC('day', ordered_at) AS metric_time__day
        , amount AS __revenue
      FROM "main"."orders" orders_src_10000
      WHERE DATE_TRUNC('day', ordered_at) BETWEEN '2026-06-01' AND '2026-09-30'
    ) subq_6
    ON
      (
        subq_6.metric_time__day <= subq_7.metric_time__day
      ) AND (
        subq_6.metric_time__day > DATEADD(day, -30, subq_7.metric_time__day)
      )
    WHERE subq_7.metric_time__day BETWEEN '2026-07-01' AND '2026-09-30'
    GROUP BY
      subq_7.metric_time__day
      , subq_7.metric_time__month
  ) subq_15
) subq_16
GROUP BY
  metric_time__month
  , revenue_last_30_days
ORDER BY metric_time__month

-- conversion: visit_conversion
-- Compute Metrics via Expressions
-- Order By ['metric_time__month']
-- Write to DataTable
WITH ctr_0_cte AS (
  -- Read Elements From Semantic Model 'visits'
  -- Metric Time Dimension 'visited_at'
  -- Constrain Time Range to [2026-07-01T00:00:00, 2026-09-30T00:00:00]
  SELECT
    DATE_TRUNC('day', visited_at) AS metric_time__day
    , DATE_TRUNC('month', visited_at) AS metric_time__month
    , customer_id AS customer
    , 1 AS __visit_count
  FROM "main"."visits" visits_src_10000
  WHERE DATE_TRUNC('day', visited_at) BETWEEN '2026-07-01' AND '2026-09-30'
)

SELECT
  metric_time__month AS metric_time__month
  , CAST(__order_count AS DOUBLE) / CAST(NULLIF(__visit_count, 0) AS DOUBLE) AS visit_conversion
FROM (
  -- Combine Aggregated Outputs
  SELECT
    COALESCE(subq_6.metric_time__month, subq_17.metric_time__month) AS metric_time__month
    , MAX(subq_6.__visit_count) AS __visit_count
    , MAX(subq_17.__order_count) AS __order_count
  FROM (
    -- Read From CTE For node_id=ctr_0
    -- Select: ['__visit_count', 'metric_time__month']
    -- Select: ['__visit_count', 'metric_time__month']
    -- Aggregate Inputs for Simple Metrics
    SELECT
      metric_time__month
      , SUM(__visit_count) AS __visit_count
    FROM ctr_0_cte
    GROUP BY
      metric_time__month
  ) subq_6
  FULL OUTER JOIN (
    -- Find conversions for customer within the range of 7 day
    -- Select: ['__order_count', 'metric_time__month']
    -- Select: ['__order_count', 'metric_time__month']
    -- Aggregate Inputs for Simple Metrics
    SELECT
      metric_time__month
      , SUM(__order_count) AS __order_count
    FROM (
      -- Dedupe the fanout with mf_internal_uuid in the conversion data set
      SELECT DISTINCT
        FIRST_VALUE(ctr_0_cte.__visit_count) OVER (
          PARTITION BY
            subq_12.customer
            , subq_12.metric_time__day
            , subq_12.mf_internal_uuid
          ORDER BY ctr_0_cte.metric_time__day DESC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS __visit_count
        , FIRST_VALUE(ctr_0_cte.metric_time__day) OVER (
          PARTITION BY
            subq_12.customer
            , subq_12.metric_time__day
            , subq_12.mf_internal_uuid
          ORDER BY ctr_0_cte.metric_time__day DESC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS metric_time__day
        , FIRST_VALUE(ctr_0_cte.metric_time__month) OVER (
          PARTITION BY
            subq_12.customer
            , subq_12.metric_time__day
            , subq_12.mf_internal_uuid
          ORDER BY ctr_0_cte.metric_time__day DESC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS metric_time__month
        , FIRST_VALUE(ctr_0_cte.customer) OVER (
          PARTITION BY
            subq_12.customer
            , subq_12.metric_time__day
            , subq_12.mf_internal_uuid
          ORDER BY ctr_0_cte.metric_time__day DESC
          ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS customer
        , subq_12.mf_internal_uuid AS mf_internal_uuid
        , subq_12.__order_count AS __order_count
      FROM ctr_0_cte
      INNER JOIN (
        -- Read Elements From Semantic Model 'orders'
        -- Metric Time Dimension 'ordered_at'
        -- Add column with generated UUID
        SELECT
          DATE_TRUNC('day', ordered_at) AS metric_time__day
          , customer_id AS customer
          , 1 AS __order_count
          , UUID() AS mf_internal_uuid
        FROM "main"."orders" orders_src_10000
      ) subq_12
      ON
        (
          ctr_0_cte.customer = subq_12.customer
        ) AND (
          (
            ctr_0_cte.metric_time__day <= subq_12.metric_time__day
          ) AND (
            ctr_0_cte.metric_time__day > DATEADD(day, -7, subq_12.metric_time__day)
          )
        )
    ) subq_13
    GROUP BY
      metric_time__month
  ) subq_17
  ON
    subq_6.metric_time__month = subq_17.metric_time__month
  GROUP BY
    COALESCE(subq_6.metric_time__month, subq_17.metric_time__month)
) subq_18
ORDER BY metric_time__month
