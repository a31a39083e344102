package replicator_test

import (
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Tests{M: m}.Main() }
