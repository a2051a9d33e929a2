terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 9"
    }
  }

  # The bucket is said at `terraform init`: bootstrap/ made it.
  backend "gcs" {
    prefix = "toronto311"
  }
}

provider "google" {
  project = var.project
  region  = var.region

  default_labels = {
    app = "toronto311"
  }
}
