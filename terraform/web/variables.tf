variable "project" {
  description = "The Google Cloud project."
  type        = string
}

variable "region" {
  description = "Where the service is."
  type        = string
}

variable "image" {
  description = "The image, by digest."
  type        = string
}

variable "lake_bucket" {
  description = "The bucket that the lake is in."
  type        = string
}

variable "dataset" {
  description = "The dataset of the warehouse; null where marts are read from the lake."
  type        = string
  default     = null
}

variable "settings" {
  description = "Variables of the environment that the Job has as well."
  type        = map(string)
}

variable "max_instances" {
  description = "Most instances at once."
  type        = number
}

variable "notification_channel" {
  description = "Who is told."
  type        = string
}
