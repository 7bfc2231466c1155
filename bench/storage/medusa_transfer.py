"""Medusa's own transfer, by its storage class, as its backup and restore do it. Usage: medusa_transfer.py up|down <host> <port> <folder>"""
import os
import pathlib
import sys
from types import SimpleNamespace

from medusa.storage.s3_base_storage import S3BaseStorage

direction, host, port, folder = sys.argv[1:]
files = pathlib.Path(folder)


class Config(SimpleNamespace):
    """What is not said is None, as in Medusa's own."""

    def __getattr__(self, _name):
        return None


storage = S3BaseStorage(
    Config(
        storage_provider="s3_compatible",
        bucket_name="medusa",
        key_file=os.environ["MEDUSA_KEY_FILE"],
        host=host,
        port=port,
        secure="False",
        region="us-east-1",
        s3_addressing_style="path",
        concurrent_transfers="4",
        multi_part_upload_threshold=104857600,
    )
)
storage.connect()
if direction == "up":
    storage.upload_blobs(sorted(files.iterdir()), "node/data/ks/t")
else:
    storage.download_blobs([blob.name for blob in storage.list_objects("node/data/ks/t")], files)
storage.disconnect()
