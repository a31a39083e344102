package s3dbtest_test

import (
	"context"
	"fmt"
	"testing"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
	"github.com/s3dbgen/s3dbgen/runtime/s3dbtest"
)

// A test opens its client in memory, loses a reply, and counts requests: this one
// says that a rename by name costs one PUT, which is wrong.
func Example() {
	var t testing.TB = printer{} // the *testing.T of a test

	db, link := s3dbtest.Open(t, shop.New, s3db.WithIDs("products", s3dbtest.IDs("product")))
	link.Inject(t, s3dbtest.Fault{
		Kinds: []memstore.Kind{memstore.Put}, Key: "/data/id=ada", Nth: 1,
		Injection: memstore.Injection{Fault: memstore.Reset, Applied: true},
	})
	_, err := db.Users.Insert(t.Context(), shop.UserInsert{ID: "ada", Name: "Ada", Email: "ada@example.com", Password: "correct horse"})
	fmt.Println("inserted:", err)

	link.Expect(t, s3dbtest.Counts{Put: 1}, func() {
		_, err = db.Users.Update(t.Context(), "ada", shop.UserPatch{Name: s3db.Set("Ada L.")})
	})
	fmt.Println("renamed:", err)
	// Output:
	// inserted: <nil>
	// s3dbtest: other requests than expected:
	//             want   got
	// get            0     1   +1
	// put            1     1
	// sent:
	//   get resource=users/data/id=ada
	//   put resource=users/data/id=ada if match
	// renamed: <nil>
}

// printer is a test that prints its errors.
type printer struct{ testing.TB }

func (printer) Helper()                           {}
func (printer) Cleanup(func())                    {}
func (printer) Context() context.Context          { return context.Background() }
func (printer) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
