package replicator_test

import (
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/evolution"
	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
)

// TestEvolution: programs of six versions write side by side, and nothing of it is lost.
func TestEvolution(t *testing.T) {
	t.Parallel()
	evolution.Run(t, func(*testing.T) targettest.Place { return &targettest.Memory{} })
}
