#!/bin/sh
# Makes the bucket, and a user who may do there what the server needs and nothing else (policy.json).
# Running it again changes nothing. Needs `mc`, MinIO's client, or its path in MC.
#
#   MINIO_ENDPOINT                          for example http://127.0.0.1:9000
#   MINIO_ROOT_USER, MINIO_ROOT_PASSWORD    the administrator
#   PARTWAY_BUCKET                          the bucket to make
#   PARTWAY_KEY_PREFIX                      the server's keys begin with it; empty by default
#   POLICY_FILE                             another policy than the one beside this file
#   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY  the server's own key, to be made
set -eu

: "${MINIO_ENDPOINT:?}" "${MINIO_ROOT_USER:?}" "${MINIO_ROOT_PASSWORD:?}"
: "${PARTWAY_BUCKET:?}" "${AWS_ACCESS_KEY_ID:?}" "${AWS_SECRET_ACCESS_KEY:?}"
prefix=${PARTWAY_KEY_PREFIX:-}
mc=${MC:-mc}

# Both end up in the text of the policy.
for value in "$PARTWAY_BUCKET" "$prefix"; do
  case $value in
    *[!A-Za-z0-9./_-]*)
      echo "\"$value\" may only have letters, digits and . / _ -" >&2
      exit 1
      ;;
  esac
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export MC_CONFIG_DIR="$scratch"

# By standard input: arguments can be read by everybody on the machine.
printf '%s\n%s\n' "$MINIO_ROOT_USER" "$MINIO_ROOT_PASSWORD" |
  "$mc" --quiet alias set bucket "$MINIO_ENDPOINT" >/dev/null
"$mc" --quiet mb --ignore-existing "bucket/$PARTWAY_BUCKET"

policy="partway-$PARTWAY_BUCKET"
sed -e "s|BUCKET|$PARTWAY_BUCKET|g" -e "s|PREFIX|$prefix|g" \
  "${POLICY_FILE:-$(dirname "$0")/policy.json}" >"$scratch/policy.json"
"$mc" --quiet admin policy create bucket "$policy" "$scratch/policy.json"
printf '%s\n%s\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" |
  "$mc" --quiet admin user add bucket
# To attach a policy that is attached already is an error, and no other way of asking is simpler.
if ! "$mc" --json admin user info bucket "$AWS_ACCESS_KEY_ID" | grep -q "\"$policy\""; then
  "$mc" --quiet admin policy attach bucket "$policy" --user "$AWS_ACCESS_KEY_ID"
fi
