package s3dbtest_test

import (
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/leaktest"
)

// No test of the package leaves a goroutine or a connection behind.
func TestMain(m *testing.M) { leaktest.Tests{M: m}.Main() }
