# `terraform test`: what would be made, without an account of AWS.

mock_provider "aws" {}

variables {
  bucket     = "example-uploads"
  key_prefix = "uploads/"
  origins    = ["https://app.example.com"]
}

run "pages_can_send_parts_and_read_their_etags" {
  command = plan

  assert {
    condition     = one(one(aws_s3_bucket_cors_configuration.uploads).cors_rule).expose_headers == toset(["ETag"])
    error_message = "Without the ETag no upload from a page can be completed."
  }
  assert {
    condition = (
      one(one(aws_s3_bucket_cors_configuration.uploads).cors_rule).allowed_origins == toset(["https://app.example.com"]) &&
      one(one(aws_s3_bucket_cors_configuration.uploads).cors_rule).allowed_methods == toset(["PUT"])
    )
    error_message = "Pages of the named origins, and only those, may PUT."
  }
}

run "without_pages_there_is_no_cors" {
  command = plan

  variables {
    origins = []
  }

  assert {
    condition     = length(aws_s3_bucket_cors_configuration.uploads) == 0
    error_message = "No origin was named."
  }
}

run "parts_of_lost_uploads_are_removed_at_last" {
  command = plan

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.uploads.rule[0].abort_incomplete_multipart_upload[0].days_after_initiation == 30
    error_message = "Incomplete uploads must not stay for ever."
  }
  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.uploads.rule[0].status == "Enabled" && length(aws_s3_bucket_lifecycle_configuration.uploads.rule[0].expiration) == 0
    error_message = "The rule holds, and objects are not removed."
  }
}

run "parts_are_not_removed_before_an_upload_may_end" {
  command = plan

  variables {
    abort_incomplete_after_days = 7
  }

  expect_failures = [var.abort_incomplete_after_days]
}

run "the_server_has_rights_under_its_prefix_only" {
  command = plan

  assert {
    condition = toset(flatten(jsondecode(aws_iam_policy.server.policy).Statement[*].Resource)) == toset([
      "arn:aws:s3:::example-uploads", "arn:aws:s3:::example-uploads/uploads/*"
    ])
    error_message = "The policy names other resources."
  }
  assert {
    condition     = !strcontains(aws_s3_bucket_policy.uploads.policy, "BUCKET") && !strcontains(aws_iam_policy.server.policy, "PREFIX")
    error_message = "The policies still have placeholders."
  }
}

run "nothing_is_public" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.uploads.block_public_acls,
      aws_s3_bucket_public_access_block.uploads.block_public_policy,
      aws_s3_bucket_public_access_block.uploads.ignore_public_acls,
      aws_s3_bucket_public_access_block.uploads.restrict_public_buckets,
    ])
    error_message = "Something may be made public."
  }
}
