output "url" {
  description = "Where the site is."
  value       = google_cloud_run_v2_service.web.uri
}

output "account" {
  description = "The account that the service runs as."
  value       = google_service_account.web.name
}

output "service" {
  description = "The name of the service."
  value       = google_cloud_run_v2_service.web.name
}
