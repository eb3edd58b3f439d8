"""An S3 server on this machine, and what is in it."""

import contextlib
import logging
from dataclasses import dataclass
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

BUCKET, PREFIX = "studies", "of/mine"
KEYS = {"ACCESS_KEY": "an-access-key", "SECRET_KEY": "a-secret-of-the-test"}
ENVIRONMENT = {f"SNAKEMAKE_STORAGE_S3_{name}": value for name, value in KEYS.items()}


@dataclass(frozen=True)
class Store:
    """A bucket of a server."""

    endpoint: str
    client: Any

    @property
    def arguments(self):
        """What Snakemake is told to keep everything here."""
        where = ("--default-storage-provider", "s3", "--default-storage-prefix")
        return (*where, f"s3://{BUCKET}/{PREFIX}", "--storage-s3-endpoint-url", self.endpoint)

    def keys(self):
        """Names of what is in it."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def download(self, folder):
        """Copy everything into a folder."""
        for key in self.keys():
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            self.client.download_file(BUCKET, key, str(folder / key))
        return folder / PREFIX


@contextlib.contextmanager
def s3_store():
    """A server on a free port of this machine, with a bucket; it ends with the block."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        names = {f"aws_{name.lower()}": "any" for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")}
        client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **names)
        client.create_bucket(Bucket=BUCKET)
        yield Store(endpoint, client)
    finally:
        server.stop()
