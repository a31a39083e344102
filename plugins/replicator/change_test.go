package replicator_test

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/s3dbgen/s3dbgen/plugins/replicator"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// TestSeq: texts sort as positions do, and are read back.
func TestSeq(t *testing.T) {
	list := []replicator.Seq{{}, {Offset: 1}, {Segment: 1}, {Segment: 1, Offset: 1 << 31}, replicator.EndOf(1), {Segment: 2}, {Segment: 10}, {Segment: 1 << 40}, replicator.EndOf(math.MaxUint64)}
	for i, s := range list {
		if got, err := replicator.ParseSeq(s.String()); err != nil || got != s {
			t.Errorf("%v is read as %v, %v", s, got, err)
		}
		if i > 0 && (list[i-1].Compare(s) >= 0 || list[i-1].String() >= s.String()) {
			t.Errorf("%v is not before %v", list[i-1], s)
		}
	}
	for _, text := range []string{"", "1-2", "0000000000000001_00000000", "000000000000000A-00000000", "+000000000000001-00000000", "0000000000000001-000000000"} {
		if got, err := replicator.ParseSeq(text); !errors.Is(err, s3db.ErrCorrupt) {
			t.Errorf("%q is read as %v, %v", text, got, err)
		}
	}
}

// TestAction: actions are texts in JSON, and none but the three.
func TestAction(t *testing.T) {
	b, err := json.Marshal(replicator.Actions())
	if err != nil || string(b) != `["insert","update","delete"]` {
		t.Errorf("%s, %v", b, err)
	}
	var list []replicator.Action
	if err := json.Unmarshal(b, &list); err != nil || !slices.Equal(list, replicator.Actions()) {
		t.Errorf("%v, %v", list, err)
	}
	if err := json.Unmarshal([]byte(`["Insert"]`), &list); !errors.Is(err, s3db.ErrConfig) {
		t.Error(err)
	}
}
