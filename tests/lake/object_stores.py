"""An object store on this machine: what speaks S3 to the lake in tests."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

BUCKET = "facts"


@contextmanager
def object_store(environ: dict[str, str]) -> Iterator[str]:
    """Address of an empty lake in a bucket; ``environ`` gets what its clients need.

    It runs in a process of its own: Delta's client holds the interpreter while it waits for an answer.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(address)
        environ.update(
            AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_REGION="eu-central-1",
            AWS_ENDPOINT_URL=address, AWS_ALLOW_HTTP="true",
        )  # fmt: skip
        httpx.put(f"{address}/{BUCKET}").raise_for_status()
        yield f"s3://{BUCKET}/lake"
    finally:
        server.kill()
        server.wait(10)


def _await(address: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            httpx.get(address, timeout=1)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"no object store answered at {address}")
