// Package main is what the Go blocks of the documentation stand in: the packages that
// they name, and the variables that a page need not declare. Programs that run blocks
// begin with it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/shopspring/decimal"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	"github.com/s3dbgen/s3dbgen/plugins/audit"
	"github.com/s3dbgen/s3dbgen/plugins/awskms"
	"github.com/s3dbgen/s3dbgen/plugins/cache"
	"github.com/s3dbgen/s3dbgen/plugins/costs"
	"github.com/s3dbgen/s3dbgen/plugins/fulltext"
	"github.com/s3dbgen/s3dbgen/plugins/metrics"
	"github.com/s3dbgen/s3dbgen/plugins/otelexport"
	"github.com/s3dbgen/s3dbgen/plugins/promexport"
	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/bigquery"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/postgres"
	s3dbtarget "github.com/s3dbgen/s3dbgen/plugins/replicator/s3db"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/sqs"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/webhook"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/fixture"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/runtime/s3dbtest"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
	"github.com/s3dbgen/s3dbgen/runtime/storetest"
)

var (
	ctx context.Context
	err error
	url = "mem://"  // of the database
	db  *shop.DB    // of example/schema.yaml
	id  shop.UserID // of a user
	// A change of a user.
	patch shop.UserPatch
)

// in calls a block with a shop of its own.
func in(block func(context.Context, *shop.DB)) {
	ctx := context.Background()
	db := open(ctx)
	defer db.Close()
	block(ctx, db)
}

// open opens a new shop with more options.
func open(ctx context.Context, options ...s3db.Option) *shop.DB {
	db, err := shop.Open(ctx, url, append(options, s3db.WithKey("k", bytes.Repeat([]byte{1}, 32)), s3db.WithIDs("products", s3db.NanoID(8)))...)
	used(err)
	return db
}

// used ends the program at an error, and takes what a block does not use.
func used(x any) {
	if err, ok := x.(error); ok {
		log.Fatal(err)
	}
}
