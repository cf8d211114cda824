#!/bin/sh
# Makes the base images that docker-compose.yml and the Dockerfile need from Debian packages, for machines that cannot
# pull any. Needs debootstrap, root and the Rust toolchain that is called; prints nothing but what it does.
#
#   mt5rest-base-runtime   Debian without anything more
#   mt5rest-base-build     gcc and this machine's Rust toolchain
#   mt5rest-base-services  Redis and HAProxy
#
# An image that is there already is kept, unless its toolchain is another one.
set -eu
suite=bookworm
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP
mkdir "$scratch/cache"

is_there() {
    docker image inspect "mt5rest-base-$1" >/dev/null 2>&1
}

# Name of the folder, further packages.
debian() {
    debootstrap --variant=minbase --cache-dir="$scratch/cache" ${2:+--include="$2"} "$suite" "$scratch/$1" "$mirror" \
        >"$scratch/$1.log" 2>&1 || { tail -20 "$scratch/$1.log" >&2; return 1; }
    rm -rf "$scratch/$1/var/cache/apt" "$scratch/$1/var/lib/apt/lists"
    mkdir -p "$scratch/$1/var/cache/apt/archives/partial" "$scratch/$1/var/lib/apt/lists/partial"
}

# Name of the image, further arguments of docker import.
keep() {
    name=$1
    shift
    tar -C "$scratch/$name" -c . | docker import "$@" - "mt5rest-base-$name" >/dev/null
    rm -rf "${scratch:?}/$name"
    echo "made mt5rest-base-$name"
}

if ! is_there runtime; then
    debian runtime
    keep runtime
fi

if ! is_there services; then
    debian services redis-server,haproxy
    # As in the images that are commonly pulled.
    mkdir -p "$scratch/services/data"
    keep services
fi

toolchain=$(rustc --version)
if [ "$(docker image inspect --format '{{index .Config.Labels "mt5rest.toolchain"}}' mt5rest-base-build 2>/dev/null)" != "$toolchain" ]; then
    debian build gcc,libc6-dev,ca-certificates
    sysroot=$(rustc --print sysroot)
    mkdir -p "$scratch/build/usr/local/rust/lib/rustlib"
    cp -R "$sysroot/bin" "$scratch/build/usr/local/rust/"
    cp "$sysroot"/lib/*.so* "$scratch/build/usr/local/rust/lib/"
    cp -R "$sysroot/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')" "$scratch/build/usr/local/rust/lib/rustlib/"
    keep build --change 'ENV PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        --change "LABEL mt5rest.toolchain=\"$toolchain\""
fi
