#!/bin/sh
# Builds the image, starts docker-compose.yml and goes through the quick start while containers die. Needs a Docker
# engine, compose, and Python with the packages of tests/tools/requirements.txt; `cargo xtask test --docker` provides
# them.
#
#   tests/docker/run.sh                builds as users do: base images are pulled, crates are fetched
#   tests/docker/run.sh --made-bases   makes base images from Debian packages, and hands this machine's crates to the
#                                      build, which then needs no network at all
set -eu
cd "$(dirname "$0")/../.."
export MT5REST_IMAGE=mt5rest-test MT5REST_SUBNET=172.29.84 MT5REST_PUBLISH=127.0.0.1:
project=mt5rest-test
scratch=$(mktemp -d)

compose() {
    if docker compose version >/dev/null 2>&1; then
        docker compose --project-name $project "$@"
    else
        docker-compose --project-name $project "$@"
    fi
}

clean() {
    code=$?
    trap - EXIT
    if [ $code -ne 0 ]; then
        compose ps || true
        compose logs --no-color --tail=40 || true
    fi
    compose down --volumes --timeout 30 >"$scratch/down.log" 2>&1 || { cat "$scratch/down.log"; code=1; }
    # The image, and what the build stage on our own base image leaves behind.
    docker image rm $MT5REST_IMAGE >/dev/null 2>&1 || true
    docker image prune --force --filter label=mt5rest.toolchain >/dev/null || true
    rm -rf "$scratch"
    exit $code
}
trap clean EXIT
trap 'exit 130' INT TERM HUP

step() {
    echo "$(date +%T) $*"
}

if [ "${1:-}" = --made-bases ]; then
    step "making base images"
    tests/docker/bases.sh
    export BUILD_IMAGE=mt5rest-base-build RUNTIME_IMAGE=mt5rest-base-runtime
    export REDIS_IMAGE=mt5rest-base-services BALANCER_IMAGE=mt5rest-base-services
    step "copying sources and crates"
    export MT5REST_CONTEXT="$scratch/source"
    mkdir "$MT5REST_CONTEXT"
    tar --exclude=./target --exclude=./.git --exclude=./deploy/secrets --exclude=./shared/wire/fuzz/target -c . |
        tar -C "$MT5REST_CONTEXT" -x
    # It prints the settings that make cargo use them, unless it is quiet.
    (cd "$MT5REST_CONTEXT" && cargo vendor --locked vendor >>.cargo/config.toml 2>"$scratch/vendor.log") ||
        { tail -20 "$scratch/vendor.log"; exit 1; }
fi

deploy/secrets.sh
step "building the image"
compose build >"$scratch/build.log" 2>&1 || { tail -40 "$scratch/build.log"; exit 1; }
docker image inspect --format '{{.Size}} bytes, user {{.Config.User}}' $MT5REST_IMAGE
step "starting the cluster"
compose up --detach >"$scratch/up.log" 2>&1 || { cat "$scratch/up.log"; exit 1; }
address=$(compose port balancer 5000)
tries=0
until curl --silent --fail --max-time 2 "http://$address/healthz" >"$scratch/health.log"; do
    tries=$((tries + 1))
    [ $tries -lt 60 ] || { echo "no api answers at $address"; exit 1; }
    sleep 0.5
done
step "calling it at $address"
"${PYTHON:-python3}" tests/docker/journey.py "http://$address" $project
step "looking at the health of containers"
tries=0
until [ "$(docker ps --filter "label=com.docker.compose.project=$project" --filter health=healthy --quiet | wc -l)" -eq 5 ]; do
    tries=$((tries + 1))
    [ $tries -lt 60 ] || { echo "redis, broker, two workers and an api should be healthy"; exit 1; }
    sleep 0.5
done
step "passed"
