package gen_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/gen"
	"github.com/s3dbgen/s3dbgen/schema"
)

// TestNoFixture tells of each attribute for which there is no value, with its place.
func TestNoFixture(t *testing.T) {
	t.Parallel()
	s, found := schema.Parse("schema.yaml", []byte(`package: shop
fixtures: true
resources:
  users:
    attributes:
      code: {type: string, pattern: '^[A-Z]+$', contains: x}
      right: {type: string, pattern: '^[A-Z]-q$', example: A-q}
      days: {type: array, unique: true, min: 3, items: boolean}
      share: {type: integer, min: 5, max: 5, notEqual: 5}
`))
	if found.HasErrors() {
		t.Fatal(found)
	}
	_, found, err := gen.Generate(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `schema.yaml:6:20: no text for fixtures is found that obeys all rules of code; the best guess breaks contains [S3D0510]
  6 |       code: {type: string, pattern: '^[A-Z]+$', contains: x}
    |                    ^^^^^^
  help: give one with the rule example, as in example: …, or loosen one of the rules

schema.yaml:8:20: no value for fixtures: the items of days must differ, and they have fewer values than there must be items [S3D0510]
  8 |       days: {type: array, unique: true, min: 3, items: boolean}
    |                    ^^^^^
  help: loosen one of the rules

schema.yaml:9:21: no number for fixtures is found that obeys all rules of share [S3D0510]
  9 |       share: {type: integer, min: 5, max: 5, notEqual: 5}
    |                     ^^^^^^^
  help: loosen one of the rules
`
	if diff := cmp.Diff(want, found.String()); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
}
