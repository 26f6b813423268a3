SELECT
  CAST(DATE_TRUNC('month', ordered_at) AS DATE),
  CAST(SUM(CASE WHEN customer_id IN (SELECT customer_id FROM main.customers WHERE country = 'NL') THEN amount END) AS DOUBLE PRECISION)
    / CAST(SUM(amount) AS DOUBLE PRECISION)
FROM main.orders WHERE ordered_at >= DATE '2025-09-01' AND ordered_at < DATE '2026-10-07' GROUP BY 1
