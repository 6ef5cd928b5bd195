output "policy_arn" {
  value       = aws_iam_policy.server.arn
  description = "The rights of the server, to be attached to its role."
}

output "environment" {
  description = "What the server is to be told of the bucket."
  value = {
    PARTWAY_BUCKET       = aws_s3_bucket.uploads.bucket
    PARTWAY_S3_REGION    = aws_s3_bucket.uploads.region
    PARTWAY_KEY_PREFIX   = var.key_prefix
    PARTWAY_CORS_ORIGINS = join(",", var.origins)
  }
}
