#!/usr/bin/env python3
"""Runs the examples of the page at /api as they are printed there, but for the address."""

import html
import re
import shutil
import subprocess
import sys
import urllib.request

import duckdb
from duckdb_extensions import import_extension
from program import serving


def main() -> None:
    with serving() as base:
        page = urllib.request.urlopen(f"{base}/api").read().decode()

        def snippet(name: str) -> str:
            found = re.search(f'<pre tabindex="0" id="{name}"><code>(.*?)</code></pre>', page, re.DOTALL)
            return html.unescape(found[1]).replace("{origin}", base)

        total = months(base)
        check("python", total_of_python(snippet("python")) > 0)
        check("curl", output(["sh", "-c", snippet("curl")]).count("\n") == 97)
        check("sql", sum(requests for _, requests in query(snippet("sql"))) == total)
        if shutil.which("Rscript"):
            check("r", output(["Rscript", "-e", snippet("r")]) is not None)
        else:
            print("r: not run, there is no R here")


def check(name: str, is_right: bool) -> None:
    print(f"{name}: {'ok' if is_right else 'WRONG'}")
    if not is_right:
        sys.exit(1)


def months(base: str) -> int:
    with urllib.request.urlopen(f"{base}/api/v1/months.csv") as answer:
        lines = answer.read().decode().splitlines()
    column = lines[0].split(",").index("requests")
    return sum(int(line.split(",")[column]) for line in lines[1:])


def total_of_python(code: str) -> int:
    return sum(int(line.split()[1]) for line in output([sys.executable, "-c", code]).splitlines())


def output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def query(sql: str) -> list[tuple]:
    import_extension("httpfs")
    return duckdb.connect().execute(sql).fetchall()


if __name__ == "__main__":
    main()
