variable "project" {
  description = "The Google Cloud project in which bootstrap/ has been applied."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Expected the id of a project: 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Where everything is; the default is Toronto."
  type        = string
  default     = "northamerica-northeast2"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "Expected a region such as northamerica-northeast2."
  }
}

variable "image" {
  description = "The image of service and Job, by digest, so that what runs is what was reviewed."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+-docker\\.pkg\\.dev/[a-z0-9-]+/[a-z0-9-]+/[a-z0-9-]+@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Expected REGION-docker.pkg.dev/PROJECT/REPOSITORY/NAME@sha256:DIGEST; a tag may move and is refused."
  }
}

variable "web" {
  description = "Whether the site is up. False at first, until a refresh has filled the lake."
  type        = bool
  default     = true
}

variable "max_instances" {
  description = "Most instances of the site at once: the cap on its cost."
  type        = number
  default     = 4

  validation {
    condition     = var.max_instances >= 1 && var.max_instances <= 20 && floor(var.max_instances) == var.max_instances
    error_message = "Expected a whole number from 1 to 20."
  }
}

variable "warehouse" {
  description = "Where marts are made and read: embedded (Parquet in the lake) or bigquery."
  type        = string
  default     = "embedded"

  validation {
    condition     = contains(["embedded", "bigquery"], var.warehouse)
    error_message = "Expected embedded or bigquery."
  }
}

variable "spark" {
  description = "Whether a refresh may clean its files in Spark on Dataproc."
  type        = bool
  default     = false
}

variable "refresh_schedule" {
  description = "When the source is looked at, in UTC. Daily: one request decides whether there is work."
  type        = string
  default     = "17 9 * * *"

  validation {
    condition     = can(regex("^([0-9*/,-]+ ){4}[0-9*/,-]+$", var.refresh_schedule))
    error_message = "Expected five fields of cron, such as 17 9 * * *."
  }
}

variable "alert_email" {
  description = "Who is told when something needs attention."
  type        = string

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alert_email))
    error_message = "Expected an e-mail address."
  }
}

variable "deploy_from" {
  description = "The GitHub repository that may deploy, and nobody else: names can be taken by others, the owner's number can't."
  type = object({
    repository = string
    owner_id   = string
    ref        = optional(string, "refs/heads/main")
  })

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.deploy_from.repository))
    error_message = "Expected repository = \"owner/name\"."
  }

  validation {
    condition     = can(regex("^[0-9]+$", var.deploy_from.owner_id))
    error_message = "Expected owner_id to be the number of the owner's account."
  }

  validation {
    condition     = can(regex("^refs/(heads|tags)/[A-Za-z0-9._/-]+$", var.deploy_from.ref))
    error_message = "Expected ref to be one branch or tag, such as refs/heads/main."
  }
}
