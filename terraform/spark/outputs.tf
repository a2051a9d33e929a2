output "account" {
  description = "The account that executors run as."
  value       = google_service_account.executors.email
}

output "subnetwork" {
  description = "The network that batches run in."
  value       = google_compute_subnetwork.spark.id
}
