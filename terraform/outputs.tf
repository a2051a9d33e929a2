output "url" {
  description = "Where the site is; null while it is not up."
  value       = one(module.web[*].url)
}

output "lake" {
  description = "For `--lake` of status, verify and rollback."
  value       = local.lake
}

output "refresh_job" {
  description = "For `gcloud run jobs execute`."
  value       = google_cloud_run_v2_job.refresh.name
}

output "identity_provider" {
  description = "For the deploying job at GitHub."
  value       = google_iam_workload_identity_pool_provider.github.name
}

output "deployer" {
  description = "For the deploying job at GitHub."
  value       = google_service_account.deployer.email
}
