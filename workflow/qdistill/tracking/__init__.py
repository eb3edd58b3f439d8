"""MLflow as the index of the runs that Parquet records."""
