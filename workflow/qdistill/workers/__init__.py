"""Jobs forked from one process that has the heavy libraries loaded, on the machine of Snakemake."""
