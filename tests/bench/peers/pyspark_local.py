"""The job in PySpark on this machine alone: built-in functions only, so that no row travels to Python."""

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f

import job

LETTERS = ("àâäáãåçèéêëìíîïñòóôöõùúûüýÿ", "aaaaaaceeeeiiiinooooouuuuyy")
SETTINGS = {
    "spark.driver.memory": "4g",
    # On two cores these two take a sixth less than what Spark does by itself.
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC",
    "spark.sql.adaptive.enabled": "false",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": job.THREADS,
    "spark.sql.session.timeZone": "UTC",
    # Rows come by month: with a file open for each, they need not be sorted before they are written.
    "spark.sql.maxConcurrentOutputFileWriters": 24,
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.hadoop.parquet.compression.codec.zstd.level": 1,
    "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": 2,
}


def main() -> None:
    work = job.from_arguments()
    builder = SparkSession.builder.master(f"local[{job.THREADS}]")
    spark = builder.config(map=SETTINGS).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    java = spark.sparkContext._gateway.proc
    clean(spark, work)
    count(spark, work)
    spark.stop()
    # Only of a child that was waited for, the system says what it has used.
    java.stdin.close()
    java.wait()


def clean(spark: SparkSession, work: job.Job) -> None:
    # All files at once: one alone is a single task.
    raw = read(spark, work)
    rows = derive(raw, slugs(raw), wards(spark, work))
    kept = rows.where("ward IS NOT NULL OR fsa IS NOT NULL")
    keys = kept.select("file", f.col("month").alias("folder"), *job.COLUMNS)
    keys.write.partitionBy("file", "folder").parquet(str(work.out / "unnamed"))
    # Spark leaves out the columns that it names folders by; the month has to be in the files, too.
    for folder in (work.out / "unnamed").glob("file=*/folder=*"):
        place = work.out / "clean" / folder.parent.name.removeprefix("file=") / folder.name.replace("folder=", "month=")
        place.parent.mkdir(exist_ok=True)
        folder.rename(place)


def read(spark: SparkSession, work: job.Job) -> DataFrame:
    schema = ", ".join(f"{name} STRING" for name in job.RAW_COLUMNS)
    files = [str(file) for file in work.files]
    raw = spark.read.csv(files, schema=schema, header=True, quote='"', escape='"')
    return raw.withColumn("file", f.regexp_replace("_metadata.file_name", r"\.csv$", ""))


def slugs(raw: DataFrame) -> DataFrame:
    """A slug for each label: reading one column first costs less than a regular expression per row."""
    plain = f.translate(f.lower("label"), *LETTERS)
    slug = f.trim(f.regexp_replace(plain, "[^a-z0-9]+", "-"), f.lit("-"))
    return raw.select("label").distinct().withColumn("request_type", slug)


def wards(spark: SparkSession, work: job.Job) -> DataFrame:
    """By file, as one ward text is in both models and the year decides."""
    table = spark.read.csv(str(work.wards), header=True)
    models = spark.createDataFrame([(file.stem, job.ward_model(file)) for file in work.files], "file STRING, of STRING")
    ambiguous = (f.col("ward_text") == "Etobicoke North (01)") & (f.col("ward_model") != f.col("of"))
    return models.crossJoin(table).where(~ambiguous).drop("of")


def derive(raw: DataFrame, types: DataFrame, wards: DataFrame) -> DataFrame:
    text, fsa = f.col("creation_date"), f.upper("fsa")
    created = f.to_timestamp_ntz(f.substring(text, 1, 19))
    return (
        raw.join(f.broadcast(types), "label")
        .join(f.broadcast(wards), ["file", "ward_text"], "left")
        .withColumns(
            {
                "creation_date": created,
                "hour": f.hour(created).cast("tinyint"),
                "month": f.substring(text, 1, 7),
                "season": pick(job.SEASONS, f.month(created) - 1),
                "weekday": pick(job.WEEKDAYS, f.weekday(created)),
                "status": f.coalesce(fold(f.col("status"), job.STATUSES), f.lit("unknown")),
                "fsa": f.when(fsa.rlike(r"^M\d[A-Z]$"), fsa),
                "request_type_label": f.col("label"),
            }
        )
    )


def pick(words: list[str], number: Column) -> Column:
    return f.array(*map(f.lit, words))[number]


def fold(column: Column, words: dict[str, str]) -> Column:
    return f.create_map(*(f.lit(word) for pair in words.items() for word in pair))[column]


def count(spark: SparkSession, work: job.Job) -> None:
    rows = spark.read.parquet(str(work.out / "clean" / "*" / "month=*"))
    nothing = f.lit(None).cast("string")
    by_ward = cells(rows, "ward", f.col("ward_model"))
    by_fsa = cells(rows, "fsa", nothing)
    counts = by_ward.union(by_fsa).repartition(1).sortWithinPartitions("request_type")
    folder = work.out / "counts"
    counts.write.parquet(str(folder))
    [file] = folder.glob("*.parquet")
    file.rename(work.counts)


def cells(rows: DataFrame, area: str, model: Column) -> DataFrame:
    keys = ["request_type", f.lit(area).alias("geography"), model.alias("ward_model"), f.col(area).alias("area")]
    return rows.groupBy(*keys, "month", "status").agg(f.count("*").alias("requests"))


if __name__ == "__main__":
    main()
