# Tools that the targets need, each pinned, built from source with `go install`
# into .tools/bin and rebuilt when its pin changes. None is linked into the
# project, so none is in go.mod.

TOOLS := $(CURDIR)/.tools/bin

GOLANGCI_LINT_VERSION := v2.15.0
# The two S3 servers of the tests. versitygw counts metadata as AWS does; MinIO
# counts more and ignores conditions on DELETE: what passes on both is portable.
VERSITYGW_VERSION := v1.8.0
# MinIO tags its releases in a form that Go modules do not know; this is the last commit.
MINIO_VERSION := v0.0.0-20260212201848-7aac2a2c5b7c

# The generators that BenchmarkPeers compares with. They are built without cgo: sqlc then
# brings the parser of PostgreSQL as WebAssembly; the benchmark uses that of SQLite, in Go.
SQLC_VERSION         := v1.31.1
OAPI_CODEGEN_VERSION := v2.8.2

SQLC          := $(TOOLS)/sqlc
OAPI_CODEGEN  := $(TOOLS)/oapi-codegen
GOLANGCI_LINT := $(TOOLS)/golangci-lint
VERSITYGW     := $(TOOLS)/versitygw
MINIO         := $(TOOLS)/minio

# $(call pin,NAME,PACKAGE,VERSION,ENVIRONMENT): the binary depends on a mark that has the
# version in its name, so that a new pin rebuilds it.
define pin
$(TOOLS)/$(1): $(TOOLS)/.$(1)-$(3)
	@echo "building $(1) $(3) (once)"
	@GOBIN=$(TOOLS) GOFLAGS=-buildvcs=false $(4) go install $(2)@$(3)
	@touch $$@
$(TOOLS)/.$(1)-$(3):
	@mkdir -p $(TOOLS) && rm -f $(TOOLS)/.$(1)-* && touch $$@
endef

$(eval $(call pin,golangci-lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_LINT_VERSION)))
$(eval $(call pin,versitygw,github.com/versity/versitygw/cmd/versitygw,$(VERSITYGW_VERSION)))
$(eval $(call pin,sqlc,github.com/sqlc-dev/sqlc/cmd/sqlc,$(SQLC_VERSION),CGO_ENABLED=0))
$(eval $(call pin,oapi-codegen,github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen,$(OAPI_CODEGEN_VERSION),CGO_ENABLED=0))
$(eval $(call pin,minio,github.com/minio/minio,$(MINIO_VERSION)))
