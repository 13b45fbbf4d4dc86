# One static binary and what it can't do without: authorities for TLS, time zones, a folder for its data. No shell, no
# package manager, not root.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=container
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=${VERSION}" -o /out/gatehouse ./cmd/gatehouse \
 && install -d -m 0700 /out/data && install -d -m 0700 /out/tmp \
 && cp "$(go env GOROOT)/lib/time/zoneinfo.zip" /out/zoneinfo.zip

FROM scratch
LABEL org.opencontainers.image.title="Gatehouse" \
      org.opencontainers.image.source="https://github.com/gatehouse-dev/gatehouse" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/zoneinfo.zip /zoneinfo.zip
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/tmp /tmp
COPY --from=build /src/LICENSE /src/NOTICE /
COPY --from=build /out/gatehouse /gatehouse
ENV ZONEINFO=/zoneinfo.zip \
    GATEHOUSE_DATA_DIR=/data \
    GATEHOUSE_ADDR=0.0.0.0:8080
USER 65532:65532
VOLUME /data
EXPOSE 8080
# The binary asks its own /readyz: there is no curl here.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --start-interval=1s CMD ["/gatehouse", "healthcheck"]
ENTRYPOINT ["/gatehouse"]
CMD ["serve"]
