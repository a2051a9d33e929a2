# The lake: files as they came, cleaned files, marts, releases, runs. The program prunes what no kept release needs.

locals {
  lake = "gs://${google_storage_bucket.lake.name}/lake"
}

resource "google_storage_bucket" "lake" {
  # checkov:skip=CKV_GCP_62: all objects are public data, and who changes them is in the audit log
  name                        = "${var.project}-toronto311"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  # A pointer that was overwritten and an object that was removed can be had again for a month.
  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 7 * 24 * 3600
  }

  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 30
    }
    action {
      type = "Delete"
    }
  }

  lifecycle_rule {
    condition {
      age            = 400
      matches_prefix = ["lake/runs/"]
    }
    action {
      type = "Delete"
    }
  }

  # What killed uploads have left.
  lifecycle_rule {
    condition {
      age = 7
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}
