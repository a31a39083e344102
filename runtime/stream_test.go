package s3db_test

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// TestStreamMemory: reading all documents takes as much memory as reading some. It
// reads 20,000; STREAM_DOCUMENTS=1000000 makes it a million, which needs 3 GB for
// the store.
func TestStreamMemory(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("STREAM_DOCUMENTS"))
	if err != nil {
		n = 20_000
	}
	const most = 8 << 20 // bytes above the store's own
	ctx := t.Context()
	c, err := clienttest.Open(ctx, memstore.New(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.Writer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		bio := fmt.Sprintf("%01000d", i)
		if err := w.Write(clienttest.AccountInsert{ID: clienttest.AccountID(fmt.Sprintf("a%07d", i)), Name: "n", Bio: &bio}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc) //nolint:gosec // far below
	}
	before, above := heap(), int64(0)
	read := 0
	for _, err := range c.Query().All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if read++; read%(n/10) == 0 {
			above = max(above, heap()-before)
		}
	}
	if read != n || above > most {
		t.Errorf("%d of %d documents, %d bytes above the store's own", read, n, above)
	}
	t.Logf("%d documents, %d KiB above the store's own", read, above>>10)
}
