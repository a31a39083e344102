package main

import (
	"github.com/spf13/cobra"

	replicate "github.com/s3dbgen/s3dbgen/plugins/replicator/command"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/config"
	copies "github.com/s3dbgen/s3dbgen/plugins/replicator/s3db/link"
	webhooks "github.com/s3dbgen/s3dbgen/plugins/replicator/webhook/link"
)

// newReplicate has the drivers that need no foreign library; s3dbgen-replicate has all.
func newReplicate() *cobra.Command {
	stores := drivers()
	return replicate.New(replicate.Program{
		Drivers:  []config.Driver{copies.Driver(stores...), webhooks.Driver()},
		Stores:   stores,
		Usage:    func(err error) error { return usageError{err} },
		Terminal: isTerminal,
	})
}
