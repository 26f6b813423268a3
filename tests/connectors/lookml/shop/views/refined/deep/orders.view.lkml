include: "/views/orders.view"
view: +orders {
  dimension: status { label: "State" }
  dimension: channel { sql: COALESCE(${TABLE}.channel, 'shop') ;; }
  measure: web_revenue { type: sum sql: ${net} ;; filters: [channel: "web%", created_date: "2026-01-01 to 2026-02-01"] }
}
