-- Every month that has revenue, or follows one that has; NULL where one of the two is missing.
SELECT COALESCE(a.month, b.month), (a.revenue - b.revenue) / NULLIF(b.revenue, 0)
FROM (SELECT CAST(DATE_TRUNC('month', ordered_at) AS DATE) AS month, SUM(amount) AS revenue FROM main.orders WHERE ordered_at >= DATE '2025-09-01' AND ordered_at < DATE '2026-10-07' GROUP BY 1) AS a
FULL OUTER JOIN (
  SELECT CAST(DATE_TRUNC('month', ordered_at) + INTERVAL '1' MONTH AS DATE) AS month, SUM(amount) AS revenue
  FROM main.orders WHERE ordered_at < DATE '2026-10-01' GROUP BY 1
) AS b ON b.month = a.month
