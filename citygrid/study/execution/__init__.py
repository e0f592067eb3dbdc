"""Who computes a study's tasks: this process, local processes, or a Dask cluster."""
