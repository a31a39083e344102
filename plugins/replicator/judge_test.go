package replicator

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// TestJudge: what is decided of the writes of one document. A write is "rev<base"
// with "-" for a delete, "*" for one older than an hour, "~" for one that was listed
// late. The state is the revisions that the document remembers, the newest first, "+"
// behind those if there were more; a "-" stands for a tombstone.
func TestJudge(t *testing.T) {
	for _, test := range []struct {
		state, intents string
		some, all      string // committed | aborted | open, "?" to list again, "!" for broken
	}{
		{"", "", "||", "||"},
		{"", "1<", "||1", "||1"},
		{"", "1<*", "||1?", "|1|"},
		{"1", "1<", "1||", "1||"},
		{"2 1", "1< 2<1", "1 2||", "1 2||"},
		{"2 1", "2<1 1<", "1 2||", "1 2||"},
		{"2 1", "2<1", "2||?", "2||"},
		{"2 1", "2<1 3<1", "2|3|?", "2|3|"},
		{"2 1", "2<1 3<2", "2||3?", "2||3"},
		{"2 1", "3<2*", "||3?", "|3|"},
		{"2 1", "2<1 1<~", "1 2||", "1 2||"},
		{"2 1", "2<1 1<~ 3<2~", "1 2||", "1 2||"}, // after the document was read
		{"-2 1", "2<1- 1<", "1 2||", "1 2||"},
		{"3 2+", "3<2 1<0", "3||1?", "3|1|!"}, // may have been committed before programs that leave nothing
		{"3 2+", "2<1 3<2 1<0", "1 2 3||?", "1 2 3||"},
		{"3 2+", "3<2 2<1~ 1<0", "1 2 3||?", "1 2 3||"},
		{"4 3+", "4<3 3<2~ 2<1~ 1<0", "1 2 3 4||?", "1 2 3 4||"},
		{"3 2 1", "1<", "1||?!", "1||!"},
		{"3 2 1", "1< 3<2", "1 3||?", "1 3||"},
		{"3 2 1", "2<1", "2||?!", "2||!"},
		{"", "2<1-", "2||?", "2||"},
		{"", "1< 2<1-", "1 2||", "1 2||"},
		{"", "2<1- 3<1-", "2|3|?", "2|3|"},
		{"", "1<0 2<1-~", "1 2||?", "1 2||"},
		{"", "1<0 2<1~ 3<2-~", "1 2 3||?", "1 2 3||"}, // the simulation's seed 434
		{"", "1<0 2<1~ 4<1-~ 3<2-~", "1 2 3||?", "1 2 3||"},
		{"5", "2<1~ 3<2-~ 5<", "2 3 5||?", "2 3 5||"},
		{"5", "2<1- 5<", "2 5||?", "2 5||"},
		{"5", "2<1-", "||2?", "|2|"}, // what is there was settled, hence this as well
		{"5", "2<1-~ 5<", "2 5||?", "2 5||"},
		{"-5", "2<1-", "2||?", "2||"}, // a fence in place of nothing
		{"5", "3<", "||3", "||3"},
		{"5", "3<*", "||3?", "|3|"},
	} {
		state, intents := parseCase(test.state, test.intents)
		for all, want := range map[bool]string{false: test.some, true: test.all} {
			v := judge(state, intents, all)
			if got := tell(v); got != want {
				t.Errorf("state %q, intents %q, all %t: %s", test.state, test.intents, all, cmp.Diff(want, got))
			}
		}
	}
}

func parseCase(state, intents string) (lineage, []pending) {
	remembered := strings.Fields(strings.TrimSuffix(state, "+"))
	s := lineage{live: len(remembered) > 0, complete: !strings.HasSuffix(state, "+")}
	if s.live && strings.HasPrefix(remembered[0], "-") {
		s.live, remembered[0] = false, remembered[0][1:]
	}
	if len(remembered) > 0 {
		s.revision = s3db.Revision(remembered[0])
	}
	s.writes = func(rev s3db.Revision) int { return slices.Index(remembered, string(rev)) }
	var list []pending
	for i, text := range strings.Fields(intents) {
		marks := strings.TrimLeft(text, "0123456789<")
		rev, base, _ := strings.Cut(strings.TrimRight(text, "-*~"), "<")
		x := pending{Change: Change{Action: Update, Revision: s3db.Revision(rev), Base: s3db.Revision(base)}}
		x.Time = time.Unix(int64(i), 0)
		if base == "" {
			x.Action = Insert
		}
		if strings.Contains(marks, "-") {
			x.Action = Delete
		}
		x.old, x.late = strings.Contains(marks, "*"), strings.Contains(marks, "~")
		list = append(list, x)
	}
	return s, list
}

func tell(v verdict) string {
	revs := func(list []pending) string {
		var texts []string
		for _, x := range list {
			texts = append(texts, string(x.Revision))
		}
		return strings.Join(texts, " ")
	}
	s := revs(v.committed) + "|" + revs(v.aborted) + "|" + revs(v.open)
	if v.unexplained {
		s += "?"
	}
	if v.broken {
		s += "!"
	}
	return s
}
