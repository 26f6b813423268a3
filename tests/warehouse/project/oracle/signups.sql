SELECT CAST(DATE_TRUNC('month', signed_up_on) AS DATE), COUNT(*) FROM main.customers
WHERE signed_up_on BETWEEN DATE '2025-09-01' AND DATE '2026-10-06' GROUP BY 1
