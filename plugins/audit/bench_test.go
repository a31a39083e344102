package audit_test

import (
	"strconv"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/plugins/audit"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// BenchmarkInsert is an insert on the memory store without the plugin and with it,
// with and without documents and an HMAC.
func BenchmarkInsert(b *testing.B) {
	for _, c := range []struct {
		name    string
		options *audit.Options
	}{
		{"without", nil},
		{"with", &audit.Options{}},
		{"data", &audit.Options{IncludeData: true}},
		{"data and key", &audit.Options{IncludeData: true, Key: key}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var options []s3db.Option
			if c.options != nil {
				options = append(options, s3db.WithPlugin(audit.New(*c.options)))
			}
			accounts, err := clienttest.Open(b.Context(), memstore.New(), 0, 0, options...)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				if _, err := accounts.Insert(b.Context(), account{ID: clienttest.AccountID(strconv.Itoa(n)), Name: "n"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
