# The autochrome binary and what it needs of a system, for a user that is not
# root:
#
#	docker build --build-arg VERSION="$(git describe --tags --always)" -t autochrome .
#	docker run --rm -v snapshots:/snapshots -e CHROMADB_URL=http://chroma:8000 autochrome snapshot create
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
COPY internal/purego/go.mod internal/purego/
RUN go mod download
COPY . .
ARG VERSION=unknown TARGETOS TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /out/usr/local/bin/autochrome ./cmd/autochrome
# Scratch files go to /tmp, whoever it runs as, and the audit log wants to know
# who it is.
RUN mkdir -m 1777 /out/tmp && mkdir -p /out/etc/ssl/certs /data/snapshots && \
    cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ && \
    echo 'autochrome:x:65532:65532::/snapshots:/' > /out/etc/passwd

FROM scratch
COPY --from=build /out /
COPY --from=build --chown=65532:65532 /data /
USER 65532:65532
WORKDIR /snapshots
ENV AUTOCHROME_REPOSITORY=/snapshots
VOLUME /snapshots
ENTRYPOINT ["/usr/local/bin/autochrome"]
CMD ["--help"]
