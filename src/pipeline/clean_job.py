"""Cleans yearly files of a lake on Spark: one task a file, which runs the program that submitted this job.

What a task writes is named by the file and by the program, and what says that it is complete is written last. So a task
may be tried again, run twice at once, or die: the objects are the same.
"""

import argparse
import os
import subprocess
import sys

from pyspark import SparkFiles
from pyspark.sql import SparkSession

PROGRAM = "toronto311"

# The exit code for a file that breaks the data contract: no other try will mend it, and the other files are none the worse.
REFUSED = 3


def program():
    # Dataproc puts the batch's files into the working directory, Spark elsewhere puts them where SparkFiles says.
    found = next(path for path in (os.path.abspath(PROGRAM), SparkFiles.get(PROGRAM)) if os.path.exists(path))
    os.chmod(found, 0o755)
    return found


def clean(lake, file):
    year, sha256 = file.split("/")
    command = [program(), "clean-raw", "--lake", lake, "--year", year, "--sha256", sha256]
    ended = subprocess.run(command, capture_output=True, text=True)
    # The log is on standard error, too; the error is its last line.
    said = (ended.stdout or ended.stderr or "nothing").strip().splitlines()[-1]
    if ended.returncode not in (0, REFUSED):
        raise RuntimeError(f"{file}: exit code {ended.returncode}: {said}")
    return f"{file}: {said}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--lake", required=True, help="where the lake is")
    arguments.add_argument("files", nargs="+", metavar="YEAR/SHA256", help="files that the lake holds as they came")
    given = arguments.parse_args()
    lake = given.lake
    session = SparkSession.builder.appName("toronto311 clean").getOrCreate()
    files = session.sparkContext.parallelize(given.files, len(given.files))
    for line in files.map(lambda file: clean(lake, file)).collect():
        print(line)
    session.stop()


if __name__ == "__main__":
    sys.exit(main())
