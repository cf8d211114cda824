#!/bin/sh
# Makes the secrets that docker-compose.yml gives to the containers. Those that are there already are kept.
set -eu
umask 022
folder=$(cd "$(dirname "$0")" && pwd)/secrets
mkdir -p "$folder"
# The user of the containers must be able to read the files, others on this machine must not: the folder sees to that.
chmod 700 "$folder"

# Without a second argument: 32 random bytes.
make() {
    [ -s "$folder/$1" ] && return
    printf '%s%s\n' "${2:-}" "$(head -c 32 /dev/urandom | base64)" >"$folder/$1"
    echo "made $folder/$1"
}

make cluster_key
make sealing_keys key-1:
