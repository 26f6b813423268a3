-- The warehouse of an invented subscription shop. Standard enough to run unchanged on DuckDB and PostgreSQL.
CREATE SCHEMA IF NOT EXISTS main;

CREATE TABLE main.plans AS
SELECT CAST(i AS INTEGER) AS plan_id, CASE i WHEN 1 THEN 'free' WHEN 2 THEN 'pro' ELSE 'team' END AS tier
FROM generate_series(1, 3) AS g(i);

CREATE TABLE main.customers AS
SELECT
  CAST(i AS INTEGER) AS customer_id,
  CAST(1 + i % 3 AS INTEGER) AS plan_id,
  CASE i % 4 WHEN 0 THEN 'NL' WHEN 1 THEN 'DE' WHEN 2 THEN 'FR' ELSE NULL END AS country,
  DATE '2025-12-01' + CAST(i % 200 AS INTEGER) AS signed_up_on
FROM generate_series(1, 60) AS g(i);

-- Orders run from 2026-01-02 to 2026-10-08, with none in June.
CREATE TABLE main.orders AS
SELECT
  CAST(i AS INTEGER) AS order_id,
  CAST(1 + (i * 13) % 60 AS INTEGER) AS customer_id,
  CAST(DATE '2026-01-02' + CAST((i * 7) % 280 AS INTEGER) AS TIMESTAMP) + INTERVAL '90' MINUTE AS ordered_at,
  CAST(((i * 7919) % 9973) * 0.01 AS DECIMAL(10, 2)) AS amount
FROM generate_series(1, 400) AS g(i)
WHERE (i * 7) % 280 NOT BETWEEN 150 AND 179;

CREATE TABLE main.visits AS
SELECT
  CAST(i AS INTEGER) AS visit_id,
  CAST(1 + (i * 17) % 60 AS INTEGER) AS customer_id,
  CAST(DATE '2026-01-01' + CAST((i * 11) % 280 AS INTEGER) AS TIMESTAMP) + INTERVAL '30' MINUTE AS visited_at
FROM generate_series(1, 900) AS g(i);

CREATE TABLE main.days AS
SELECT DATE '2025-01-01' + CAST(i AS INTEGER) AS date_day FROM generate_series(0, 1095) AS g(i);
