variable "project" {
  description = "The Google Cloud project."
  type        = string
}

variable "region" {
  description = "Where batches run."
  type        = string
}

variable "lake_bucket" {
  description = "The bucket that the lake is in."
  type        = string
}

variable "submitter" {
  description = "The member of IAM that submits batches."
  type        = string
}
