variable "bucket" {
  type        = string
  description = "Name of the bucket to make. Give uploads a bucket of their own."
}

variable "key_prefix" {
  type        = string
  default     = ""
  description = "What the key of every object begins with, such as uploads/ (PARTWAY_KEY_PREFIX)."

  validation {
    condition     = can(regex("^[A-Za-z0-9./_-]*$", var.key_prefix))
    error_message = "The prefix may only have letters, digits and . / _ -"
  }
}

variable "origins" {
  type        = list(string)
  default     = []
  description = "Origins whose pages upload, such as https://app.example.com. None: no pages, only the command line."

  validation {
    condition     = alltrue([for origin in var.origins : can(regex("^https?://[^/*]+$", origin))])
    error_message = "An origin is a scheme and a host, without a path and without *."
  }
}

variable "abort_incomplete_after_days" {
  type        = number
  default     = 30
  description = "When AWS removes the parts of an upload that was begun so long ago. Longer than any upload may take."

  validation {
    condition     = var.abort_incomplete_after_days > 7
    error_message = "PARTWAY_SESSION_TTL is 7 days unless it is set: parts must be kept for longer."
  }
}

variable "role" {
  type        = string
  default     = null
  description = "Name of the role that the server runs as, which gets its rights. None: attach the policy yourself."
}
