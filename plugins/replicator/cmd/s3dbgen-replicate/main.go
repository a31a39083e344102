// Command s3dbgen-replicate is "s3dbgen replicate" with all drivers: s3db, webhook, sqs,
// postgres and bigquery.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	bigquery "github.com/s3dbgen/s3dbgen/plugins/replicator/bigquery/link"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/command"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/config"
	postgres "github.com/s3dbgen/s3dbgen/plugins/replicator/postgres/link"
	copies "github.com/s3dbgen/s3dbgen/plugins/replicator/s3db/link"
	sqs "github.com/s3dbgen/s3dbgen/plugins/replicator/sqs/link"
	webhook "github.com/s3dbgen/s3dbgen/plugins/replicator/webhook/link"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command.Run(ctx, "s3dbgen-replicate", program(), os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func program() command.Program {
	stores := []s3db.Driver{s3store.Driver(), boltstore.Driver()}
	return command.Program{
		Drivers:  []config.Driver{copies.Driver(stores...), webhook.Driver(), sqs.Driver(), postgres.Driver(), bigquery.Driver()},
		Stores:   stores,
		Terminal: isTerminal,
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) //nolint:gosec // a file descriptor fits an int
}
