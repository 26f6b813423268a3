"""Pages as HTML: Jinja2 templates, style sheets, ES modules and charts as SVG. Knows neither project nor questions."""
