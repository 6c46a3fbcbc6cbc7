#!/bin/sh
# Brings Debian's Exim, with the libraries it lacks here, into a folder of its own, for the tests alone. It is never
# installed: that would remove Postfix. Usage: unpack_exim.sh [FOLDER]; without one it is where the tests look.
set -eu
folder=${1:-$(dirname "$0")/../../.cache/exim}
[ ! -e "$folder/complete" ] || exit 0
rm -rf "$folder"
mkdir -p "$folder/packages"
cd "$folder"
names=$(apt-get -s install --no-install-recommends exim4-daemon-light | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
[ -n "$names" ]
# shellcheck disable=SC2086 # several words
(cd packages && apt-get -q -o APT::Sandbox::User=root download $names >/dev/null)
for package in packages/*.deb; do
  dpkg -x "$package" root
done
rm -r packages
: > complete
