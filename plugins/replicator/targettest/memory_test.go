package targettest_test

import (
	"testing"

	"github.com/s3dbgen/s3dbgen/plugins/replicator/targettest"
)

func TestMemory(t *testing.T) {
	targettest.Run(t, func(*testing.T) targettest.Place { return &targettest.Memory{} })
}
