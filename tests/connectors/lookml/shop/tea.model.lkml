connection: "warehouse"
label: "Tea shop"

include: "/views/*.view"
include: "/views/refined/**/*.view.lkml"
include: "explores/*.explore.lkml"
include: "/dashboards/*.dashboard"
include: "//blocks/views/calendar.view"
include: "/nowhere/*.view"

datagroup: nightly {
  sql_trigger: SELECT MAX(loaded_at) FROM ops.loads ;;
  max_cache_age: "24 hours"
}
