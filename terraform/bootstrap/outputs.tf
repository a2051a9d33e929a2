output "state_bucket" {
  description = "For `terraform init -backend-config=bucket=…`."
  value       = google_storage_bucket.state.name
}

output "repository" {
  description = "Where the image is pushed to."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}
