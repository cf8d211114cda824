# mt5rest in a small image: `docker build -t mt5rest .`
#
# Both bases can be replaced where these cannot be pulled; `tests/docker/bases.sh` makes others from Debian packages.
# The build image needs cargo and a C compiler, the other one nothing but Debian's C library. Every instruction is one
# that the classic builder knows as well as BuildKit, so there are no cache mounts.
ARG BUILD_IMAGE=rust:1.95-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /source
COPY . .
RUN cargo build --release --locked --package mt5rest --bin mt5rest \
    && install -D --strip target/release/mt5rest /out/mt5rest \
    && rm -r target

FROM ${RUNTIME_IMAGE}
# Certificate authorities come along with the build image: nothing is installed here.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/mt5rest /usr/local/bin/mt5rest
# A number, so that orchestrators can see that it is not root.
USER 10001:10001
# Other containers must reach it; publish the ports to those who may.
ENV MT5REST_LISTEN=0.0.0.0:5000 MT5REST_BROKER_LISTEN=0.0.0.0:5001
EXPOSE 5000 5001
# Asks MT5REST_LISTEN. The role `broker` listens elsewhere and needs a check of its own: `mt5rest health URL`.
HEALTHCHECK --interval=5s --timeout=5s --start-period=20s --retries=3 CMD ["mt5rest", "health"]
ENTRYPOINT ["mt5rest"]
