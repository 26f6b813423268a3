-- The filter reaches the users through the invoice's user.
select cast(date_trunc('month', invoices.issued_on) as date) as period, sum(invoices.amount_eur) as value
from marts.fct_invoices as invoices
inner join marts.dim_users_v2 as users on invoices.user_id = users.user_id
where invoices.issued_on between date '2026-01-01' and date '2026-11-21'
  and invoices.status = 'paid'
  and users.country_group = 'EU'
group by 1
order by 1
