# What service and Job are told alike, and the parts that can be left out.

locals {
  settings = {
    TORONTO311_LAKE       = local.lake
    TORONTO311_LOG_FORMAT = "json"
    TORONTO311_WAREHOUSE  = var.warehouse == "bigquery" ? "bigquery:${var.project}.toronto311" : "embedded"
  }
}

# Only the refresh cleans.
locals {
  spark_settings = var.spark ? {
    TORONTO311_CLEAN_ON         = "dataproc:${var.project}/${var.region}"
    TORONTO311_SPARK_ACCOUNT    = module.spark[0].account
    TORONTO311_SPARK_SUBNETWORK = module.spark[0].subnetwork
  } : {}
}

module "web" {
  source = "./web"
  count  = var.web ? 1 : 0

  project              = var.project
  region               = var.region
  image                = var.image
  lake_bucket          = google_storage_bucket.lake.name
  dataset              = one(google_bigquery_dataset.warehouse[*].dataset_id)
  settings             = local.settings
  max_instances        = var.max_instances
  notification_channel = google_monitoring_notification_channel.email.id
}

module "spark" {
  source = "./spark"
  count  = var.spark ? 1 : 0

  project     = var.project
  region      = var.region
  lake_bucket = google_storage_bucket.lake.name
  submitter   = google_service_account.refresh.member
}
