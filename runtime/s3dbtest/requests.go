package s3dbtest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// Counts are numbers of requests by kind, as S3 bills them.
type Counts = memstore.Counts

// Expect runs f and fails the test unless the link sends exactly these requests
// meanwhile, those of other goroutines included. The message says of which kinds there are
// more or fewer, and lists the requests.
func (l *Link) Expect(tb testing.TB, want Counts, f func()) {
	tb.Helper()
	got, sent := l.record(f)
	if got != want {
		tb.Errorf("s3dbtest: %s", difference(want, got, sent))
	}
}

// Count runs f and returns the requests that the link sends meanwhile.
func (l *Link) Count(f func()) Counts {
	got, _ := l.record(f)
	return got
}

// record runs f and returns its requests, also each in one line.
func (l *Link) record(f func()) (Counts, []string) {
	var mu sync.Mutex
	var sent []string
	before := l.store.Counts()
	cancel := l.store.Observe(func(r memstore.Request) {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, r.String())
	})
	defer cancel()
	f()
	mu.Lock()
	defer mu.Unlock()
	return l.store.Counts().Sub(before), sent
}

// difference describes requests that are not the expected ones.
func difference(want, got Counts, sent []string) string {
	var b strings.Builder
	b.WriteString("other requests than expected:\n            want   got\n")
	for _, k := range []struct {
		name      string
		want, got int
	}{
		{"get", want.Get, got.Get},
		{"head", want.Head, got.Head},
		{"put", want.Put, got.Put},
		{"delete", want.Delete, got.Delete},
		{"deleteMany", want.DeleteMany, got.DeleteMany},
		{"list", want.List, got.List},
	} {
		if k.want == 0 && k.got == 0 {
			continue
		}
		fmt.Fprintf(&b, "%-10s %5d %5d", k.name, k.want, k.got)
		if more := k.got - k.want; more != 0 {
			fmt.Fprintf(&b, "   %+d", more)
		}
		b.WriteByte('\n')
	}
	if len(sent) == 0 {
		b.WriteString("nothing was sent")
		return b.String()
	}
	b.WriteString("sent:")
	for _, s := range sent {
		b.WriteString("\n  " + s)
	}
	return b.String()
}
