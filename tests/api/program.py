"""The built program, serving its demo release."""

import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAM = os.environ.get("TORONTO311", HERE.parents[1] / "target" / "debug" / "toronto311")


@contextmanager
def serving() -> Iterator[str]:
    """Yields the address once there is a release to ask for."""
    with tempfile.TemporaryDirectory() as lake, tempfile.TemporaryFile("w+") as log:
        arguments = ["serve", "--port", "0", "--lake", lake, "--refresh", "off", "--rate-limit", "off"]
        server = subprocess.Popen([PROGRAM, *arguments], stderr=log, text=True)
        try:
            base = f"http://127.0.0.1:{_port(log)}"
            _wait(f"{base}/health/ready")
            yield base
        finally:
            server.terminate()
            server.wait()


def _port(log) -> int:
    for _ in range(600):
        log.seek(0)
        for line in log:
            if line.endswith("\n") and "port" in (said := json.loads(line)):
                return said["port"]
        time.sleep(0.05)
    raise TimeoutError("the server does not listen")


def _wait(address: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(address).close()
            return
        except urllib.error.URLError:
            time.sleep(0.05)
    raise TimeoutError("there is no release")
