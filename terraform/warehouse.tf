# The warehouse, where it is BigQuery. The program replaces months of the facts and makes the marts of each release.

resource "google_bigquery_dataset" "warehouse" {
  # checkov:skip=CKV_GCP_81: all rows are public data; Google's own key is enough for them
  count = var.warehouse == "bigquery" ? 1 : 0

  dataset_id                 = "toronto311"
  location                   = var.region
  description                = "Toronto's 311 requests: facts and the marts of each release."
  delete_contents_on_destroy = false
}

resource "google_bigquery_table" "requests" {
  # checkov:skip=CKV_GCP_80: all rows are public data; Google's own key is enough for them
  count = var.warehouse == "bigquery" ? 1 : 0

  dataset_id          = google_bigquery_dataset.warehouse[0].dataset_id
  table_id            = "requests"
  description         = "One row a request that the data contract accepts."
  schema              = file("${path.module}/requests.schema.json")
  clustering          = ["ward", "request_type"]
  deletion_protection = true

  time_partitioning {
    type  = "MONTH"
    field = "creation_date"
  }
}
