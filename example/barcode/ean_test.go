package barcode_test

import (
	"errors"
	"testing"

	"github.com/s3dbgen/s3dbgen/example/barcode"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"4006381333931", "96385074", "036000291452", "10614141000415"} {
		if e, err := barcode.Parse(text); string(e) != text || err != nil {
			t.Errorf("%s: %q, %v", text, e, err)
		}
	}
	// No digit can be changed, and no two that differ by other than five be swapped.
	for _, text := range []string{"", "4006381333932", "4006381333391", "5006381333931", "400638133393", "40063813339x1", "4006381333931 "} {
		if e, err := barcode.Parse(text); !errors.Is(err, barcode.ErrMistyped) {
			t.Errorf("%s: %q, %v", text, e, err)
		}
	}
}
