"""The plant as data, and what turns it into gcloud commands."""
