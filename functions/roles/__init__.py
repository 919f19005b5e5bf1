"""The roles, one file per job: they carry what the lines decide."""
