"""Starts local-bigquery with what it lacks of BigQuery and the program rests on.

- A partition's name, `table$202405`, as the destination of a job: that month alone is replaced, and rows of other months
  are refused. Without this, it is taken for a table of that name.
- `last_modified_time` in INFORMATION_SCHEMA.PARTITIONS: when a partition was written last.

It ends when its standard input does, so that it never outlives who started it.

Usage: stand_in.py --host 127.0.0.1 --port 9050 --grpc-port 9060 --data-dir FOLDER serve
"""

import os
import sys
import threading
import time

from local_bigquery import cli
from local_bigquery.catalog import names, tables
from local_bigquery.engine import database
from local_bigquery.errors import BigQueryError
from local_bigquery.sql.rules import information_schema

FORMS = {"HOUR": "%Y%m%d%H", "DAY": "%Y%m%d", "MONTH": "%Y%m", "YEAR": "%Y"}
plain_write, plain_columns = tables.write, tables.columns

# By table and partition, in seconds. A partition that was written by no job of this process has the time of its start.
started = time.time()
written = {}


def split(reference):
    project, dataset, table = reference
    table, _, partition = table.partition("$")
    return (project, dataset, table), partition


def write(cur, query, params, reference, config, default="WRITE_EMPTY", prefix="Invalid schema update. ", isolated=False):
    table, partition = split(reference)
    if not partition:
        return plain_write(cur, query, params, reference, config, default, prefix, isolated)
    by = tables.load(*table).timePartitioning
    if not by or not by.field:
        raise BigQueryError("invalid", f"{names.label(*table)} has no partitions")
    key = f"strftime({database.quote(by.field)}, '{FORMS[by.type]}')"
    strays = f"SELECT count(*) FROM ({query}) WHERE {key} IS DISTINCT FROM '{partition}'"
    if cur.sql(strays, params=params).fetchone()[0]:
        label = names.label(*reference)
        raise BigQueryError("invalid", f"Some rows belong to different partitions rather than destination partition {label}")
    if (config.writeDisposition or default) != "WRITE_TRUNCATE":
        raise BigQueryError("invalid", "this stand-in only replaces partitions")
    with database.writing(*table):
        cur.execute(f"DELETE FROM {tables.name(*table)} WHERE {key} = '{partition}'")
    config = config.model_copy(update={"writeDisposition": "WRITE_APPEND"})
    created = plain_write(cur, query, params, table, config, "WRITE_APPEND", prefix, isolated)
    written[table, partition] = time.time()
    return created


def partitions(project, dataset):
    columns = [*information_schema.IDENTITY, "partition_id", "total_rows INT64", "last_modified_time TIMESTAMP"]
    rows = []
    for table in information_schema._tables(project, dataset):
        identity = information_schema._identity(table)
        for partition, total_rows in information_schema._partitions(table):
            at = written.get((tuple(identity), partition), started)
            rows.append([*identity, partition, total_rows, information_schema._timestamp(str(round(at * 1000)))])
    return columns, rows


def end_with_input():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_input, daemon=True).start()
tables.write = write
tables.columns = lambda *reference: plain_columns(*split(reference)[0])
information_schema.VIEWS["PARTITIONS"] = partitions
cli.main()
