"""One file per outside thing; the only place that speaks to Google."""
