//go:build unix

package gen_test

import (
	"fmt"
	"go/format"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/s3dbgen/s3dbgen/gen"
)

// hundredResources is a schema of 100 resources of ten attributes.
func hundredResources() string {
	var b strings.Builder
	b.WriteString("package: shop\ndefaults: {timestamps: true}\nresources:\n")
	for i := range 100 {
		fmt.Fprintf(&b, `  things%d:
    partitions: {byOwner: owner}
    attributes:
      name: string|min:2|max:100
      owner: string
      email: email|unique
      count: integer|min:0|default:0
      price: decimal|optional
      active: boolean|default:true
      tags: array|items:string|unique|optional
      state: enum:open,closed|default:open
      due: datetime|optional
      details: {$$type: object|optional, color: string, weight: number|optional}
`, i)
	}
	return b.String()
}

// cpu returns the processor time that the process has used.
func cpu(tb testing.TB) time.Duration {
	tb.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkGenerate measures the whole way from the text of a schema to the
// content of all files, and in the same loop gofmt formatting these files. It
// reports the ratio of the processor times, on all processors together; the goal
// is 3.
func BenchmarkGenerate(b *testing.B) {
	path := filepath.Join(b.TempDir(), "schema.yaml")
	writeText(b, path, hundredResources())
	var generating, formatting time.Duration
	var size int
	for b.Loop() {
		start := cpu(b)
		_, _, files := generate(b, path)
		middle := cpu(b)
		size = formatAll(b, files)
		generating += middle - start
		formatting += cpu(b) - middle
	}
	b.ReportMetric(float64(generating)/float64(formatting), "×gofmt")
	b.ReportMetric(generating.Seconds()*1e3/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(size), "bytes")
	b.ReportMetric(0, "ns/op") // the sum of both says nothing
}

func formatAll(b *testing.B, files []gen.File) (size int) {
	b.Helper()
	for _, f := range files {
		out, err := format.Source(f.Content)
		if err != nil {
			b.Fatal(err)
		}
		size += len(out)
	}
	return size
}
