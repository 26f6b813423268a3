explore: base {
  extension: required
  join: customers {
    type: left_outer
    relationship: many_to_one
    sql_on: ${orders.customer_id} = ${customers.id} ;;
  }
}

explore: orders {
  extends: [base]
  label: "Orders and customers"
  always_filter: { filters: [orders.status: "-test"] }
  sql_always_where: ${customers.country} IS NOT NULL ;;
}

explore: +orders {
  join: buyer {
    from: customers
    relationship: many_to_one
    sql_on: ${orders.customer_id} = ${buyer.id} ;;
  }
}

explore: sales {
  from: orders
  view_name: orders
  join: calendar { relationship: many_to_one sql_on: ${orders.created_date} = ${calendar.day} ;; }
}

explore: by_country {}
explore: order_facts { join: gone { sql_on: 1 = 1 ;; } }
