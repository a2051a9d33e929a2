# Spark on Dataproc Serverless, for inputs that one machine can't take: an account for the executors, a network without a
# way out, and leave for the refresh to submit batches. The program submits them.

resource "google_service_account" "executors" {
  account_id   = "toronto311-spark"
  display_name = "Cleans files on Dataproc"
}

resource "google_project_iam_member" "executors_are_workers" {
  project = var.project
  role    = "roles/dataproc.worker"
  member  = google_service_account.executors.member
}

resource "google_storage_bucket_iam_member" "executors_write_lake" {
  bucket = var.lake_bucket
  role   = "roles/storage.objectUser"
  member = google_service_account.executors.member
}

resource "google_project_iam_custom_role" "submitter" {
  role_id     = "toronto311BatchSubmitter"
  title       = "Submits Dataproc batches"
  description = "Creates, watches and cancels batches, and nothing else of Dataproc."
  permissions = [
    "dataproc.batches.cancel",
    "dataproc.batches.create",
    "dataproc.batches.get",
    "dataproc.operations.cancel",
    "dataproc.operations.get",
  ]
}

resource "google_project_iam_member" "refresh_submits" {
  project = var.project
  role    = google_project_iam_custom_role.submitter.id
  member  = var.submitter
}

resource "google_service_account_iam_member" "refresh_acts_as_executors" {
  service_account_id = google_service_account.executors.name
  role               = "roles/iam.serviceAccountUser"
  member             = var.submitter
}

resource "google_compute_network" "spark" {
  name                    = "toronto311-spark"
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "spark" {
  name                     = "toronto311-spark"
  network                  = google_compute_network.spark.id
  region                   = var.region
  ip_cidr_range            = "10.31.0.0/22"
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "EXCLUDE_ALL_METADATA"
  }
}

# Executors talk to each other.
resource "google_compute_firewall" "spark" {
  name          = "toronto311-spark"
  network       = google_compute_network.spark.id
  direction     = "INGRESS"
  source_ranges = [google_compute_subnetwork.spark.ip_cidr_range]

  allow {
    protocol = "tcp"
    ports    = ["1024-65535"]
  }
}
