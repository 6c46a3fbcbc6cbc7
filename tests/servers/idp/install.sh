#!/bin/sh
# Brings the authorization server that tests log in at into a folder of its own, by the lock file beside this script.
# Usage: install.sh [FOLDER]; without one it is where the tests look.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here/../../../.cache/idp}
if [ -e "$folder/complete" ] && cmp -s "$here/package-lock.json" "$folder/package-lock.json"; then
  exit 0
fi
rm -rf "$folder"
mkdir -p "$folder"
cp "$here/package.json" "$here/package-lock.json" "$folder/"
cd "$folder"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
: > complete
