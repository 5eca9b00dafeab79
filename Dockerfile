# One image for every role: a static binary, its data files and the certificates of public authorities.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# SQLite is compiled in, so a C compiler is needed here and nothing at run time.
RUN target="$(uname -m)-unknown-linux-gnu" \
 && RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --package bsm --target "$target" \
 && mkdir -p /out/data \
 && cp "target/$target/release/bsm" /out/bsm

FROM scratch
COPY --from=build /out/bsm /bsm
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY agents /agents
COPY knowledge /knowledge
# A new named volume takes over the owner of the folder that it is mounted on.
COPY --from=build --chown=65532:65532 /out/data /data
# Not development, whose reads and calls need no key: on 0.0.0.0 anybody could make them.
ENV BSM_PROFILE=staging
ENV BSM_AGENTS_DIR=/agents BSM_KNOWLEDGE_DIR=/knowledge BSM_DATA_DIR=/data BSM_HOST=0.0.0.0 SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532:65532
VOLUME /data
EXPOSE 8080 50051 50052 50053 50054 50055
ENTRYPOINT ["/bsm"]
CMD ["up"]
