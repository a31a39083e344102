package s3db_test

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/s3dbgen/s3dbgen/internal/clienttest"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
	"github.com/s3dbgen/s3dbgen/runtime/memstore"
)

// Set the content of a document, and read it as a stream.
func ExampleCollection_SetContent() {
	ctx := context.Background()
	accounts, err := clienttest.Open(ctx, memstore.New(), 0, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := accounts.Insert(ctx, clienttest.AccountInsert{ID: "ada", Name: "Ada"}); err != nil {
		fmt.Println(err)
		return
	}
	d, err := accounts.SetContent(ctx, "ada", strings.NewReader("a picture"), s3db.ContentType("image/png"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Name, d.Meta.Content.Type, d.Meta.Content.Size)

	c, err := accounts.Content(ctx, "ada", s3db.ContentRange{Offset: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()
	b, err := io.ReadAll(c)
	fmt.Println(string(b), err)
	// Output:
	// Ada image/png 9
	// picture <nil>
}
