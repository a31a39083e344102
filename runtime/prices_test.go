package s3db_test

import (
	"encoding/json"
	"testing"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// TestPrices: the published prices, exact in sums of any size.
func TestPrices(t *testing.T) {
	one := s3db.RequestCounts{Put: 1, List: 1, Get: 1}
	for _, test := range []struct {
		prices s3db.Prices
		counts s3db.RequestCounts
		want   string
	}{
		{s3db.ClassStandard.Prices(), one, "$0.0000104"},
		{s3db.ClassStandard.Prices(), s3db.RequestCounts{Put: 1000}, "$0.005"},
		{s3db.ClassStandard.Prices(), s3db.RequestCounts{List: 1000}, "$0.005"},
		{s3db.ClassStandard.Prices(), s3db.RequestCounts{Get: 600, Head: 400}, "$0.0004"},
		{s3db.ClassStandard.Prices(), s3db.RequestCounts{Delete: 1 << 40, DeleteMany: 1 << 40}, "$0"},
		{s3db.ClassStandard.Prices(), s3db.RequestCounts{Put: 1_000_000_000_000, Get: 1}, "$5000000.0000004"},
		{s3db.ClassIntelligentTiering.Prices(), one, "$0.0000104"},
		{s3db.ClassStandardIA.Prices(), one, "$0.000021"},
		{s3db.ClassOneZoneIA.Prices(), one, "$0.000021"},
		{s3db.ClassGlacierIR.Prices(), one, "$0.00005"},
		{s3db.ClassExpressOneZone.Prices(), one, "$0.00000229"},
		{s3db.Prices{Put: 4500, Get: 360, Delete: 7}, s3db.RequestCounts{Put: 1, Get: 2, Delete: 1}, "$0.000005227"},
		{s3db.Prices{Put: -5}, one, "$-0.000000005"},
	} {
		got := test.prices.Of(test.counts)
		if got.String() != test.want {
			t.Errorf("%+v by %+v: %s, want %s", test.counts, test.prices, got, test.want)
		}
		if text, err := json.Marshal(got); err != nil || "$"+string(text) != test.want {
			t.Errorf("JSON of %s: %s, %v", test.want, text, err)
		}
	}
	if got := one.Dollars(); got != 0.0000104 {
		t.Errorf("as a float64: %v", got)
	}
	if got := s3db.ClassGlacierIR.String(); got != "GLACIER_IR" {
		t.Errorf("the class is called %s", got)
	}
}
