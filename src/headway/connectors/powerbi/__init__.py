"""Power BI: reports, dashboards, datasets and measures, from the scanner API or its results, and who opens them."""
