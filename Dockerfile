# One image for all roles: `serve` is what it does by itself, `refresh` and the others are said as arguments.
#
#     buildah build --timestamp 0 --tag toronto311 .
#
# Nothing is in it but the program, the certificates that it trusts, and two empty folders it may write to.

FROM node:20-bookworm-slim AS assets
COPY static/package.json static/package-lock.json /static/
RUN npm ci --prefix /static --ignore-scripts --no-audit --no-fund

FROM rust:1.95-slim-bookworm AS build
# A C compiler for the parts of ring and zstd that are in C.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev ca-certificates \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
COPY --from=assets /static/node_modules static/node_modules
# Paths of this machine do not get into the program, and linking it statically is the last step alone.
RUN RUSTFLAGS="--remap-path-prefix=/usr/local/cargo=/cargo" \
    cargo rustc --locked --profile dist --bin toronto311 -- -C target-feature=+crt-static \
        -C link-arg=-Wl,-z,pack-relative-relocs \
    && mkdir -p /image/lake /image/tmp \
    && cp target/dist/toronto311 /etc/ssl/certs/ca-certificates.crt /image/

FROM scratch AS image
COPY --from=build /image/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=65532:65532 /image/lake /lake
COPY --from=build --chown=65532:65532 /image/tmp /tmp
COPY --from=build /image/toronto311 /toronto311
ENV TORONTO311_LAKE=/lake
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/toronto311"]
CMD ["serve"]
