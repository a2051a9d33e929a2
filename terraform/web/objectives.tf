# What the site promises, whether it keeps it, and who is told when it does not.

locals {
  host = replace(google_cloud_run_v2_service.web.uri, "https://", "")
}

resource "google_monitoring_service" "web" {
  service_id   = "toronto311-web"
  display_name = "toronto311"

  basic_service {
    service_type = "CLOUD_RUN"
    service_labels = {
      service_name = google_cloud_run_v2_service.web.name
      location     = var.region
    }
  }
}

resource "google_monitoring_slo" "availability" {
  service             = google_monitoring_service.web.service_id
  slo_id              = "availability"
  display_name        = "99.9 % of requests are answered without an error of ours"
  goal                = 0.999
  rolling_period_days = 28

  basic_sli {
    availability {
      enabled = true
    }
  }
}

resource "google_monitoring_slo" "latency" {
  service             = google_monitoring_service.web.service_id
  slo_id              = "latency"
  display_name        = "99 % of requests are answered within half a second, cold starts included"
  goal                = 0.99
  rolling_period_days = 28

  basic_sli {
    latency {
      threshold = "0.5s"
    }
  }
}

# At this rate a month's allowance of errors is gone in two days.
resource "google_monitoring_alert_policy" "errors" {
  display_name          = "toronto311: too many server errors"
  combiner              = "AND"
  notification_channels = [var.notification_channel]
  severity              = "CRITICAL"

  dynamic "conditions" {
    for_each = { "an hour" = "3600s", "five minutes" = "300s" }
    content {
      display_name = "Burns its error budget over ${conditions.key}"
      condition_threshold {
        filter          = "select_slo_burn_rate(\"${google_monitoring_slo.availability.id}\", \"${conditions.value}\")"
        comparison      = "COMPARISON_GT"
        threshold_value = 14
        duration        = "0s"
      }
    }
  }

  documentation {
    content = "README.md of terraform/, \"Alerts\": server errors."
  }
}

resource "google_monitoring_alert_policy" "slow" {
  display_name          = "toronto311: slow"
  combiner              = "OR"
  notification_channels = [var.notification_channel]
  severity              = "WARNING"

  conditions {
    display_name = "p99 above a second for fifteen minutes"
    condition_prometheus_query_language {
      query               = "histogram_quantile(0.99, sum by (le) (rate(run_googleapis_com:request_latencies_bucket{monitored_resource=\"cloud_run_revision\",service_name=\"${google_cloud_run_v2_service.web.name}\"}[10m]))) > 1000"
      duration            = "900s"
      evaluation_interval = "60s"
    }
  }

  documentation {
    content = "README.md of terraform/, \"Alerts\": slow."
  }
}

resource "google_monitoring_uptime_check_config" "site" {
  display_name     = "toronto311: the map"
  timeout          = "10s"
  period           = "300s"
  selected_regions = ["USA_OREGON", "USA_VIRGINIA", "EUROPE"]

  http_check {
    path         = "/"
    port         = 443
    use_ssl      = true
    validate_ssl = true
    accepted_response_status_codes {
      status_class = "STATUS_CLASS_2XX"
    }
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project
      host       = local.host
    }
  }
}

# The age of the data, asked of the site itself: it sees a source that stands still as well as a refresh that does not run.
resource "google_monitoring_uptime_check_config" "fresh" {
  display_name     = "toronto311: the data is not stale"
  timeout          = "10s"
  period           = "900s"
  selected_regions = ["USA_OREGON", "USA_VIRGINIA", "EUROPE"]

  http_check {
    path         = "/api/v1/freshness"
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }

  content_matchers {
    matcher = "NOT_MATCHES_JSON_PATH"
    content = "\"stale\""
    json_path_matcher {
      json_path    = "$.freshness"
      json_matcher = "EXACT_MATCH"
    }
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project
      host       = local.host
    }
  }
}

resource "google_monitoring_alert_policy" "uptime" {
  for_each = {
    down  = google_monitoring_uptime_check_config.site.uptime_check_id
    stale = google_monitoring_uptime_check_config.fresh.uptime_check_id
  }

  display_name          = "toronto311: ${each.key}"
  combiner              = "OR"
  notification_channels = [var.notification_channel]
  severity              = each.key == "down" ? "CRITICAL" : "WARNING"

  conditions {
    display_name = "Two regions or more say so"
    condition_threshold {
      filter          = "resource.type = \"uptime_url\" AND metric.type = \"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id = \"${each.value}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "300s"

      aggregations {
        alignment_period     = "1200s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }
    }
  }

  documentation {
    content = "README.md of terraform/, \"Alerts\": ${each.key}."
  }
}
