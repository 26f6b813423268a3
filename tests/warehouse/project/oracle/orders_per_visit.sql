-- June has visits and no orders: the month is there, and its value is NULL.
SELECT v.month, o.orders * 1.0 / NULLIF(v.visits, 0)
FROM (
  SELECT CAST(DATE_TRUNC('month', visited_at) AS DATE) AS month, COUNT(*) AS visits FROM main.visits
  WHERE visited_at < DATE '2026-10-07' GROUP BY 1
) AS v
LEFT JOIN (SELECT CAST(DATE_TRUNC('month', ordered_at) AS DATE) AS month, COUNT(*) AS orders FROM main.orders WHERE ordered_at >= DATE '2025-09-01' AND ordered_at < DATE '2026-10-07' GROUP BY 1) AS o ON o.month = v.month
