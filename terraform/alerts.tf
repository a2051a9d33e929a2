# Who is told, what about the refresh they are told of, and the page with everything on it. The site's are in web/.

resource "google_monitoring_notification_channel" "email" {
  display_name = "toronto311"
  type         = "email"

  labels = {
    email_address = var.alert_email
  }
}

resource "google_monitoring_alert_policy" "refresh_failed" {
  display_name          = "toronto311: refresh failed"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.email.id]
  severity              = "WARNING"

  conditions {
    display_name = "An execution failed, or held a file"
    condition_threshold {
      filter          = "resource.type = \"cloud_run_job\" AND resource.labels.job_name = \"${google_cloud_run_v2_job.refresh.name}\" AND metric.type = \"run.googleapis.com/job/completed_execution_count\" AND metric.labels.result = \"failed\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period   = "3600s"
        per_series_aligner = "ALIGN_SUM"
      }
    }
  }

  documentation {
    content = "README.md of terraform/, \"Alerts\": refresh failed."
  }
}

# Cloud Scheduler says nothing by itself when it does not get through.
resource "google_monitoring_alert_policy" "refresh_not_started" {
  display_name          = "toronto311: refresh not started"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.email.id]
  severity              = "WARNING"

  conditions {
    display_name = "Cloud Scheduler could not start the Job"
    condition_matched_log {
      filter = "resource.type=\"cloud_scheduler_job\" AND resource.labels.job_id=\"${google_cloud_scheduler_job.refresh.name}\" AND severity>=ERROR"
    }
  }

  alert_strategy {
    notification_rate_limit {
      period = "86400s"
    }
  }

  documentation {
    content = "README.md of terraform/, \"Alerts\": refresh not started."
  }
}

resource "google_monitoring_dashboard" "all" {
  dashboard_json = file("${path.module}/dashboard.json")
}
