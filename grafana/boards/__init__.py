"""One dashboard a package or module; `DASHBOARD` says everything about it as data."""
