# The refresh: a Job that runs to its end, and the clock that starts it. It may be killed, run twice, or started by two.

resource "google_service_account" "refresh" {
  account_id   = "toronto311-refresh"
  display_name = "Refreshes the lake"
}

resource "google_storage_bucket_iam_member" "refresh_writes_lake" {
  bucket = google_storage_bucket.lake.name
  role   = "roles/storage.objectUser"
  member = google_service_account.refresh.member
}

resource "google_bigquery_dataset_iam_member" "refresh_edits_warehouse" {
  count = var.warehouse == "bigquery" ? 1 : 0

  dataset_id = google_bigquery_dataset.warehouse[0].dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.refresh.member
}

resource "google_project_iam_member" "refresh_runs_queries" {
  count = var.warehouse == "bigquery" ? 1 : 0

  project = var.project
  role    = "roles/bigquery.jobUser"
  member  = google_service_account.refresh.member
}

resource "google_cloud_run_v2_job" "refresh" {
  name                = "toronto311-refresh"
  location            = var.region
  deletion_protection = true

  template {
    task_count  = 1
    parallelism = 1

    template {
      service_account       = google_service_account.refresh.email
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      timeout               = "3600s"
      # A task that ended well is at times started again; that does no harm, and giving up too early does.
      max_retries = 3

      containers {
        image = var.image
        args  = ["refresh"]

        resources {
          # Files on their way are in memory as well: /tmp is counted.
          limits = {
            cpu    = "2"
            memory = "2Gi"
          }
        }

        dynamic "env" {
          for_each = merge(local.settings, local.spark_settings)
          content {
            name  = env.key
            value = env.value
          }
        }

        volume_mounts {
          name       = "tmp"
          mount_path = "/tmp"
        }
      }

      volumes {
        name = "tmp"
        empty_dir {
          medium     = "MEMORY"
          size_limit = "1Gi"
        }
      }
    }
  }
}

resource "google_service_account" "scheduler" {
  account_id   = "toronto311-scheduler"
  display_name = "Starts the refresh"
}

resource "google_cloud_run_v2_job_iam_member" "scheduler_runs_refresh" {
  name     = google_cloud_run_v2_job.refresh.name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.scheduler.member
}

resource "google_cloud_scheduler_job" "refresh" {
  name             = "toronto311-refresh"
  region           = var.region
  description      = "Looks whether the City has published."
  schedule         = var.refresh_schedule
  time_zone        = "Etc/UTC"
  attempt_deadline = "180s"

  retry_config {
    retry_count          = 5
    min_backoff_duration = "30s"
    max_backoff_duration = "600s"
  }

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/${google_cloud_run_v2_job.refresh.id}:run"

    # An API of Google takes an OAuth token; an OIDC token is for services of one's own.
    oauth_token {
      service_account_email = google_service_account.scheduler.email
    }
  }
}
