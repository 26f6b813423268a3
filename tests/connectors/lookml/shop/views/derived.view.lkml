view: order_facts {
  derived_table: {
    sql:
      SELECT o.customer_id, MIN(o.created_at) AS first_order, SUM(o.amount) AS spent -- a single ; does no harm here
      FROM ${orders.SQL_TABLE_NAME} AS o
      WHERE {% condition orders.wished_status %} o.status {% endcondition %}
      GROUP BY 1 ;;
    datagroup_trigger: nightly
  }
  dimension: customer_id { type: number }
  dimension_group: first_order { type: time timeframes: [date] }
  measure: spent { type: sum sql: ${TABLE}.spent ;; }
}

view: loyal {
  derived_table: {
    sql: SELECT customer_id, spent FROM ${paid.SQL_TABLE_NAME} WHERE spent > 500 ;;
  }
  dimension: customer_id { type: number }
  dimension_group: seen { type: time sql: CURRENT_DATE ;; }
  measure: loyal_customers { type: count_distinct sql: ${customer_id} ;; }
}

view: paid {
  derived_table: {
    sql: SELECT customer_id, SUM(amount) AS spent FROM marts.orders WHERE status = 'paid' GROUP BY 1 ;;
  }
  measure: total { type: sum sql: ${TABLE}.spent ;; }
}

view: by_country {
  derived_table: {
    explore_source: orders {
      column: country { field: customers.country }
      column: revenue { field: orders.total_revenue }
      column: status {}
      derived_column: place { sql: RANK() OVER (ORDER BY revenue) ;; }
      filters: [orders.created_date: "7 days"]
    }
  }
  dimension: country {}
  dimension: revenue { type: number }
  dimension: where_from { sql: CONCAT(${country}, ${TABLE}.status) ;; }
}

view: plain { dimension: day {} measure: count { type: count } }
