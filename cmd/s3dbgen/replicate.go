package main

import (
	"github.com/spf13/cobra"

	replicate "github.com/s3dbgen/s3dbgen/plugins/replicator/command"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/config"
	copies "github.com/s3dbgen/s3dbgen/plugins/replicator/s3db/link"
	webhooks "github.com/s3dbgen/s3dbgen/plugins/replicator/webhook/link"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/boltstore"
	"github.com/s3dbgen/s3dbgen/runtime/s3store"
)

// newReplicate has the drivers that need no foreign library; s3dbgen-replicate has all.
func newReplicate() *cobra.Command {
	stores := []s3db.Driver{s3store.Driver(), boltstore.Driver()}
	return replicate.New(replicate.Program{
		Drivers:  []config.Driver{copies.Driver(stores...), webhooks.Driver()},
		Stores:   stores,
		Usage:    func(err error) error { return usageError{err} },
		Terminal: isTerminal,
	})
}
