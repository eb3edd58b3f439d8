"""Reckon what training and using the circuit on devices would cost."""

from qdistill.jobs import job_log

with job_log(snakemake):
    from qdistill.measurement.price import price_devices

    price_devices(snakemake.params.settings, snakemake.output[0])
