# A bucket for uploads, and the rights of the server. How to use it: docs/operations.md.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0, < 7.0"
    }
  }
}

locals {
  # The policies are those of infra/aws, which are tested and used without Terraform as well.
  policies = {
    for name in ["policy", "bucket-policy"] : name => replace(
      replace(file("${path.module}/../aws/${name}.json"), "BUCKET", var.bucket),
      "PREFIX", var.key_prefix
    )
  }
}

resource "aws_s3_bucket" "uploads" {
  bucket = var.bucket

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_public_access_block" "uploads" {
  bucket                  = aws_s3_bucket.uploads.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "uploads" {
  bucket = aws_s3_bucket.uploads.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

# Pages send parts, and read the ETag of each from its reply. Without the last an upload from a page cannot end.
resource "aws_s3_bucket_cors_configuration" "uploads" {
  count  = length(var.origins) > 0 ? 1 : 0
  bucket = aws_s3_bucket.uploads.id

  cors_rule {
    allowed_origins = var.origins
    allowed_methods = ["PUT"]
    allowed_headers = ["*"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3600
  }
}

# The server gives up idle uploads by itself. This is for those whose record was lost.
resource "aws_s3_bucket_lifecycle_configuration" "uploads" {
  bucket = aws_s3_bucket.uploads.id

  rule {
    id     = "abort-incomplete-uploads"
    status = "Enabled"

    filter {
      prefix = ""
    }

    # AWS counts from when the upload began, and PARTWAY_SESSION_TTL from its last part.
    abort_incomplete_multipart_upload {
      days_after_initiation = var.abort_incomplete_after_days
    }
  }
}

resource "aws_s3_bucket_policy" "uploads" {
  bucket     = aws_s3_bucket.uploads.id
  policy     = local.policies["bucket-policy"]
  depends_on = [aws_s3_bucket_public_access_block.uploads]
}

resource "aws_iam_policy" "server" {
  name_prefix = "partway-"
  description = "What a Partway server needs in ${var.bucket}, and nothing more."
  policy      = local.policies["policy"]
}

resource "aws_iam_role_policy_attachment" "server" {
  count      = var.role == null ? 0 : 1
  role       = var.role
  policy_arn = aws_iam_policy.server.arn
}
