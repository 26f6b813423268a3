-- Each order counts for the customer's latest visit of the seven days before it, in the month of that visit.
WITH led AS (
  SELECT o.order_id, MAX(CAST(v.visited_at AS DATE)) AS visited_on
  FROM main.orders AS o
  JOIN main.visits AS v
    ON v.customer_id = o.customer_id
    AND CAST(v.visited_at AS DATE) <= CAST(o.ordered_at AS DATE)
    AND CAST(v.visited_at AS DATE) > CAST(o.ordered_at AS DATE) - 7
  WHERE o.ordered_at < DATE '2026-10-07'
  GROUP BY o.order_id
)
SELECT v.month, CAST(c.orders AS DOUBLE PRECISION) / CAST(v.visits AS DOUBLE PRECISION)
FROM (
  SELECT CAST(DATE_TRUNC('month', visited_at) AS DATE) AS month, COUNT(*) AS visits FROM main.visits
  WHERE visited_at < DATE '2026-10-07' GROUP BY 1
) AS v
LEFT JOIN (SELECT CAST(DATE_TRUNC('month', visited_on) AS DATE) AS month, COUNT(*) AS orders FROM led GROUP BY 1) AS c
  ON c.month = v.month
