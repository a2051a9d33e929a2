# The site: a service that reads the lake, answers from memory, and is open to everybody.

resource "google_service_account" "web" {
  account_id   = "toronto311-web"
  display_name = "Serves the site"
}

resource "google_storage_bucket_iam_member" "web_reads_lake" {
  bucket = var.lake_bucket
  role   = "roles/storage.objectViewer"
  member = google_service_account.web.member
}

resource "google_bigquery_dataset_iam_member" "web_reads_warehouse" {
  count = var.dataset == null ? 0 : 1

  dataset_id = var.dataset
  role       = "roles/bigquery.dataViewer"
  member     = google_service_account.web.member
}

resource "google_project_iam_member" "web_runs_queries" {
  count = var.dataset == null ? 0 : 1

  project = var.project
  role    = "roles/bigquery.jobUser"
  member  = google_service_account.web.member
}

resource "google_cloud_run_v2_service" "web" {
  name                = "toronto311"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_ALL"
  deletion_protection = true

  template {
    service_account                  = google_service_account.web.email
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    timeout                          = "30s"
    max_instance_request_concurrency = 80

    scaling {
      min_instance_count = 0
      max_instance_count = var.max_instances
    }

    containers {
      image = var.image
      args  = ["serve"]

      ports {
        container_port = 8080
      }

      resources {
        limits = {
          cpu    = "1"
          memory = "512Mi"
        }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      # The Job refreshes: between requests this container has no CPU.
      dynamic "env" {
        for_each = merge(var.settings, {
          TORONTO311_REFRESH         = "off"
          TORONTO311_TRACE_PROJECT   = var.project
          TORONTO311_TRUSTED_PROXIES = "1"
        })
        content {
          name  = env.key
          value = env.value
        }
      }

      # A path that ends in z never reaches a container.
      startup_probe {
        period_seconds    = 1
        timeout_seconds   = 1
        failure_threshold = 60
        http_get {
          path = "/health/ready"
        }
      }

      liveness_probe {
        period_seconds    = 30
        timeout_seconds   = 5
        failure_threshold = 3
        http_get {
          path = "/health/live"
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
        size_limit = "64Mi"
      }
    }
  }

  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }
}

# The only thing that is open to everybody.
resource "google_cloud_run_v2_service_iam_member" "everybody_reads" {
  name     = google_cloud_run_v2_service.web.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "allUsers"
}
