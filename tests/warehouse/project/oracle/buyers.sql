SELECT CAST(DATE_TRUNC('month', ordered_at) AS DATE), COUNT(DISTINCT customer_id) FROM main.orders WHERE ordered_at >= DATE '2025-09-01' AND ordered_at < DATE '2026-10-07' GROUP BY 1
