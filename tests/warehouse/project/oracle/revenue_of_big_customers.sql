-- Big: more than six orders within the days that are looked at.
SELECT CAST(DATE_TRUNC('month', ordered_at) AS DATE), SUM(amount) FROM main.orders
WHERE ordered_at >= DATE '2025-09-01' AND ordered_at < DATE '2026-10-07' AND customer_id IN (SELECT customer_id FROM main.orders GROUP BY 1 HAVING COUNT(*) > 6)
GROUP BY 1
